"""A site that asks VWO by way of a proxy, which its tests must not use; they run in memory."""

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
    "SDK_OPTIONS": {"proxy_url": "http://127.0.0.1:9"},
}
