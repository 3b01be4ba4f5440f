"""The naive site: the SDK's client as the vendor's documentation makes it, and not the app's.

The SDK keeps per-process global state, so the two clients would conflict in one process.
"""

from benchmarks.sites.settings import *  # noqa: F403
from benchmarks.sites.settings import INSTALLED_APPS

ROOT_URLCONF = "benchmarks.sites.naive.urls"
INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "django_vwo_webhooks"]
