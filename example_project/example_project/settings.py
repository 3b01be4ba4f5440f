"""The settings of a small shop, configured by environment variables."""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-this-example")
DEBUG = os.environ.get("DEBUG", "") == "1"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"


def database(url: str) -> dict[str, object]:
    """``sqlite:///path``, ``postgresql://user@host/name``, ``mysql://user@host/name``."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts.path,
            "ATOMIC_REQUESTS": True,
            "OPTIONS": {"timeout": 20},
        }
    return {
        "ENGINE": f"django.db.backends.{parts.scheme}",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "ATOMIC_REQUESTS": True,
    }


DATABASES = {
    "default": database(os.environ.get("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}"))
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_vwo_webhooks",
    "shop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

VWO_WEBHOOKS: dict[str, object] = {
    "ACCOUNT_ID": os.environ.get("VWO_ACCOUNT_ID", "123456"),
    "SDK_KEY": os.environ.get("VWO_SDK_KEY", "example-sdk-key"),
    "SECRET": os.environ.get("VWO_WEBHOOK_SECRET", "example-webhook-secret"),
    "ENVIRONMENT": os.environ.get("VWO_ENVIRONMENT", "default"),
}

if os.environ.get("VWO_PROXY_URL"):
    VWO_WEBHOOKS["SDK_OPTIONS"] = {"proxy_url": os.environ["VWO_PROXY_URL"]}

BROADCAST = os.environ.get("BROADCAST", "")
if BROADCAST == "postgres":
    VWO_WEBHOOKS["BROADCAST"] = {
        "BACKEND": "django_vwo_webhooks.broadcast.postgres.PostgresBroadcast",
    }
elif BROADCAST:
    VWO_WEBHOOKS["BROADCAST"] = {
        "BACKEND": "django_vwo_webhooks.broadcast.redis.RedisBroadcast",
        "OPTIONS": {"url": BROADCAST},
    }

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/1")
CELERY_BEAT_SCHEDULE = {"log checkout": {"task": "shop.tasks.log_checkout", "schedule": 3.0}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "django_vwo_webhooks": {"handlers": ["console"], "level": "INFO"},
        "shop": {"handlers": ["console"], "level": "INFO"},
    },
}
