"""No test finds what another one left in the process; ``test_kit.py`` has whole test runs."""

from importlib import import_module

import pytest

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.testing.isolation import ENDS, end_vwo

pytestmark = pytest.mark.django_db(transaction=True)


def enabled():
    return get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()


def test_the_settings_are_forgotten(vwo):
    refresh_settings()
    assert enabled()
    vwo.refuse()
    RefreshLease.objects.all().delete()
    SettingsSnapshot.objects.all().delete()
    assert enabled()
    end_vwo()
    assert not enabled()


def test_the_kill_switches_are_forgotten(vwo):
    refresh_settings()
    assert enabled()
    kill_switch.use("new_checkout", reason="a test", by="somebody")
    assert not enabled()
    vwo.refuse()
    end_vwo()
    kill_switch.KillSwitch.objects.all().delete()
    assert enabled()


@pytest.mark.parametrize(("module", "function"), ENDS.items())
def test_each_function_exists(module, function):
    assert callable(getattr(import_module(module), function))
