import pytest
from django.core.management import CommandError

from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from tests.management.conftest import run_command

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_reports_what_is_in_force(vwo):
    text = run_command("vwo_refresh")
    assert f"Settings #{SettingsSnapshot.objects.in_force().pk} are in force." in text


def test_it_fails_with_the_reason_and_heals_with_the_next(vwo):
    refresh_settings()
    vwo.refuse()
    with pytest.raises(CommandError, match="connection refused"):
        run_command("vwo_refresh")
    vwo.accept()
    assert "are in force" in run_command("vwo_refresh")
