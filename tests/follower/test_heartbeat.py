"""The row in which a process reports what it runs."""

import pytest

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.follower import ensure_following, heartbeat, stop_following
from django_vwo_webhooks.models import FleetProcess, SettingsSnapshot
from django_vwo_webhooks.models.clock import UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import run_site, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_process_reports_what_it_runs_until_it_stops(vwo, quick):
    ensure_following()
    wait_until(FleetProcess.objects.exists)
    row = FleetProcess.objects.get()
    assert row.snapshot == SettingsSnapshot.objects.in_force()
    assert row.pid > 0
    assert row.host
    vwo.set_flag("new_checkout", enabled=False)
    newest = refresh_settings()
    wait_until(lambda: FleetProcess.objects.get().snapshot == newest)
    stop_following()
    assert not FleetProcess.objects.exists()


def test_a_process_that_ends_deletes_its_row(vwo, any_broadcast):
    ran = run_site(
        "from django_vwo_webhooks.client import get_client; get_client()\n"
        "from django_vwo_webhooks.models import FleetProcess; import time\n"
        "while not FleetProcess.objects.exists(): time.sleep(0.01)\n"
        "print(FleetProcess.objects.get().kind)"
    )
    assert ran.stdout.strip() == "__main__.py shell", ran.stderr
    assert not FleetProcess.objects.exists()


def test_rows_of_processes_long_gone_are_deleted(vwo, quick):
    gone = FleetProcess.for_this_process()
    FleetProcess.objects.write_heartbeat(gone)
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 3601)
    ensure_following()
    wait_until(lambda: not FleetProcess.objects.filter(pk=gone.pk).exists())


def test_a_process_reports_its_impressions(vwo, quick, monkeypatch):
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.1)
    vwo.misbehave_events(status=503)
    client = get_client()
    client.get_flag("new_checkout", {"id": "u", "session_id": {1}})
    client.get_flag("new_checkout", {"id": "u"})
    wait_until(lambda: _impressions_of_the_row()[1].get("not_json") == 1)
    waiting, _ = _impressions_of_the_row()
    assert waiting >= 1


def _impressions_of_the_row():
    row = FleetProcess.objects.first()
    return (row.impressions_waiting, row.impressions_dropped) if row else (0, {})
