"""The site that the tests run in; TEST_DATABASE_URL picks another database than SQLite."""

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

SECRET_KEY = "tests"
# fast, since hundreds of tests make a user
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = True
TIME_ZONE = "UTC"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = os.environ.get("SITE_URLCONF", "tests.urls")
STATIC_URL = "/static/"
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}

ENGINES = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}


def database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {
        "ENGINE": f"django.db.backends.{ENGINES[parts.scheme]}",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


def remove_folder(path: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)


folder = Path(tempfile.mkdtemp(prefix="django-vwo-webhooks-"))
atexit.register(remove_folder, folder, os.getpid())


def sqlite(name: str) -> dict[str, object]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": folder / f"{name}.sqlite3",
        # what only a power failure would need costs a tenth of the tests' time
        "OPTIONS": {"timeout": 20, "init_command": "PRAGMA synchronous = OFF"},
        # a file, since threads and processes can't share a database in memory
        "TEST": {"NAME": folder / f"test-{name}.sqlite3"},
    }


url = os.environ.get("TEST_DATABASE_URL")
DATABASES = {"default": database(url) if url else sqlite("default"), "other": sqlite("other")}

if os.environ.get("SITE_DATABASE_NAME"):
    # a process that a test started, on that test's database
    DATABASES["default"]["NAME"] = os.environ["SITE_DATABASE_NAME"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_vwo_webhooks",
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

VWO_WEBHOOKS = {
    "ACCOUNT_ID": "123456",
    # the name of a broadcast's channel depends on it, so workers of one test run stay apart
    "SDK_KEY": f"sdk-key-that-must-not-leak-0123456789{os.environ.get('PYTEST_XDIST_WORKER', '')}",
    "SECRET": "secret-that-must-not-leak-0123456789",
    **json.loads(os.environ.get("SITE_VWO_WEBHOOKS", "{}")),
}

if os.environ.get("SITE_LOG"):
    LOGGING = {
        "version": 1,
        "handlers": {"file": {"class": "logging.FileHandler", "filename": os.environ["SITE_LOG"]}},
        "root": {"handlers": ["file"], "level": "DEBUG"},
    }
