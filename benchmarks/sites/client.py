from importlib import import_module
from typing import Any

from django.apps import apps


def get_client() -> Any:
    """The client of this site: the app's, or the plain one of the naive site."""
    ours = apps.is_installed("django_vwo_webhooks")
    module = "django_vwo_webhooks.client" if ours else "benchmarks.sites.naive.client"
    return import_module(module).get_client()
