"""The plugin that pytest loads by itself, before Django is set up."""

import os
import subprocess
import sys
from importlib.metadata import entry_points

LOAD = """
import sys
import django_vwo_webhooks.testing.pytest_plugin
from django.conf import settings
loaded = {name.split(".")[0] for name in sys.modules}
assert not settings.configured, "the settings were read"
assert not loaded & {"vwo", "wingify", "rest_framework", "requests"}, loaded
assert not [name for name in sys.modules if name.startswith("django_vwo_webhooks.models")]
"""


def test_pytest_finds_it() -> None:
    found = entry_points(group="pytest11")["django_vwo_webhooks"]
    assert found.value == "django_vwo_webhooks.testing.pytest_plugin"


def test_loading_it_needs_no_settings_and_imports_neither_models_nor_the_sdk() -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    subprocess.run([sys.executable, "-c", LOAD], env=environment, check=True)
