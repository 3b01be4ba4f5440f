"""No test finds what another one left in the process; ``test_kit.py`` has whole test runs."""

import pytest

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.testing.isolation import end_vwo

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
