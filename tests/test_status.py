"""What the database knows of the fleet."""

import pytest

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.models import FleetProcess, KillSwitch
from django_vwo_webhooks.models.clock import UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.serializers import fleet_status_json
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
    assert not fleet_status_json(fleet_status())["processes"][0]["alive"]


def process_with(waiting, **dropped):
    process = FleetProcess.for_this_process()
    process.impressions_waiting, process.impressions_dropped = waiting, dropped
    FleetProcess.objects.write_heartbeat(process)
    return process


def test_what_waits_and_what_was_dropped_is_summed_over_the_fleet(vwo):
    refresh_settings()
    assert fleet_status().impressions == ""
    process_with(3, refused=2)
    first = process_with(0, refused=1, not_json=4)
    status = fleet_status()
    assert status.impressions == ("3 waiting, 7 dropped (can’t be made JSON: 4, refused by VWO: 3)")
    report = fleet_status_json(status)
    assert report["impressions"] == {"waiting": 3, "dropped": {"refused": 3, "not_json": 4}}
    each = [row["impressions"] for row in report["processes"]]
    assert {"waiting": 0, "dropped": {"refused": 1, "not_json": 4}} in each
    first.impressions_waiting, first.impressions_dropped = 7, {"queue_full": 1}
    FleetProcess.objects.write_heartbeat(first)
    assert fleet_status().impressions_waiting == 10


def test_what_waits_in_a_process_that_was_killed_waits_no_more(vwo):
    refresh_settings()
    process_with(3, unanswered=5)
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 100)
    assert fleet_status().impressions == "5 dropped (sent and never answered: 5)"


def test_a_kill_switch_in_use_is_a_state_of_its_own(vwo):
    refresh_settings()
    process = FleetProcess.for_this_process()
    FleetProcess.objects.write_heartbeat(process)
    switch = kill_switch.use("new_checkout", reason="refunds", by="anna", seconds=None)
    foreign = kill_switch.use("other", reason="refunds", by="anna")
    KillSwitch.objects.filter(pk=foreign.pk).update(key_digest="0" * 64)
    status = fleet_status()
    assert (status.state, status.is_fresh, status.since) == ("switched_off", True, switch.used_at)
    assert (status.kill_switches, status.foreign_kill_switches) == ([switch], [foreign])
    report = fleet_status_json(status)
    assert [(row["flag"], row["in_force"], row["until"]) for row in report["kill_switches"]] == [
        ("new_checkout", True, None),
        ("other", False, foreign.until.isoformat()),
    ]
    assert report["processes"][0]["kill_switches"] is False
    process.note_kill_switches(status.kill_switch_version)
    FleetProcess.objects.write_heartbeat(process)
    assert fleet_status_json(fleet_status())["processes"][0]["kill_switches"] is True
    vwo.refuse()
    with pytest.raises(RefreshFailed):
        refresh_settings()
    assert fleet_status().state == "failing"
    kill_switch.release("new_checkout", by="ben")
    vwo.accept()
    refresh_settings()
    assert fleet_status().state == "fresh"
