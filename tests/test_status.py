"""What the database knows of the fleet."""

import pytest

from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.models import FleetProcess
from django_vwo_webhooks.models.clock import UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.status import fleet_status

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_fleet_fails_from_its_first_failure_until_a_refresh_succeeds(vwo):
    refresh_settings()
    vwo.refuse()
    with pytest.raises(RefreshFailed):
        refresh_settings()
    status = fleet_status()
    assert status.state == "failing"
    assert status.since is not None
    vwo.accept()
    refresh_settings()
    assert fleet_status().state == "fresh"


def test_a_process_without_a_heartbeat_for_90_s_is_stale(vwo):
    refresh_settings()
    process = FleetProcess.for_this_process()
    FleetProcess.objects.write_heartbeat(process)
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 80)
    assert fleet_status().alive == [process]
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 100)
    assert fleet_status().alive == []
    assert fleet_status().stale == [process]
    assert not fleet_status().as_json()["processes"][0]["alive"]
