"""The site that is measured; ``bench.Site`` passes its database and settings in the environment."""

import importlib
import json
import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SECRET_KEY = "benchmarks"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.sites.urls"
STATIC_URL = "/static/"
USE_TZ = True
TIME_ZONE = "UTC"
ENGINES = {"sqlite": "sqlite3", "postgresql": "postgresql", "mysql": "mysql"}

_url = urlsplit(os.environ["DATABASE_URL"])
_options: dict[str, Any] = dict(parse_qsl(_url.query))
if _url.scheme == "sqlite":
    _options["timeout"] = 20
if _url.scheme == "postgresql" and "isolation_level" in _options:
    levels = importlib.import_module("psycopg").IsolationLevel
    _options["isolation_level"] = levels[_options["isolation_level"].upper().replace(" ", "_")]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": f"django.db.backends.{ENGINES[_url.scheme]}",
        "NAME": _url.path if _url.scheme == "sqlite" else _url.path.lstrip("/"),
        "USER": unquote(_url.username or ""),
        "PASSWORD": unquote(_url.password or ""),
        "HOST": _url.hostname or "",
        "PORT": str(_url.port or ""),
        "OPTIONS": _options,
        "CONN_MAX_AGE": 60,
    }
}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "django_vwo_webhooks",
    "benchmarks.sites.floor",
    "benchmarks.trail",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
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
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING: dict[str, object] = {
    "version": 1,
    "loggers": {"django_vwo_webhooks": {"level": "ERROR"}},
}
if os.environ.get("SITE_LOG"):
    LOGGING = {
        "version": 1,
        "handlers": {"file": {"class": "logging.FileHandler", "filename": os.environ["SITE_LOG"]}},
        "root": {"handlers": ["file"], "level": "INFO"},
    }
VWO_WEBHOOKS = json.loads(os.environ["SITE_VWO_WEBHOOKS"])
