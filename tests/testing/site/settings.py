"""A site as somebody begins one: it names no stand-in for VWO, and its tests run in memory."""

SECRET_KEY = "tests"
ROOT_URLCONF = "tests.testing.site.urls"
STATIC_URL = "/static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/db.sqlite3"}}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "django_vwo_webhooks",
]
VWO_WEBHOOKS = {
    "ACCOUNT_ID": "654321",
    "SDK_KEY": "an-sdk-key-0123456789",
    "SECRET": "a-webhook-secret-0123456789",
}
