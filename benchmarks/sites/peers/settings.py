"""A site with the webhook views of other packages, as their documentation sets them up."""

from benchmarks.bench import SECRET
from benchmarks.sites.settings import *  # noqa: F403
from benchmarks.sites.settings import DATABASES, INSTALLED_APPS

ROOT_URLCONF = "benchmarks.sites.peers.urls"
INSTALLED_APPS = [
    *(name for name in INSTALLED_APPS if name != "django_vwo_webhooks"),
    "django_github_app",
    "djstripe",
]
GITHUB_APP = {"APP_ID": "1", "NAME": "benchmarks", "WEBHOOK_SECRET": SECRET}
STRIPE_TEST_SECRET_KEY = "sk_test_benchmarks"
STRIPE_LIVE_MODE = False
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
LOGGING = {"version": 1, "root": {"level": "CRITICAL"}, "disable_existing_loggers": True}
# their tables are made from the models, since SQLite copies a table in each step of a migration
MIGRATION_MODULES = {"djstripe": None, "django_github_app": None}
# dj-stripe's transactions begin with a read, and SQLite refuses some of their writes otherwise
DATABASES["default"]["OPTIONS"]["transaction_mode"] = "IMMEDIATE"
