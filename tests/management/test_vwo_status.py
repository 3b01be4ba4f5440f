import itertools
import json
import threading
import time

import pytest
from django.core.management import CommandError
from django.db import connection

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import FleetProcess, KillSwitch, RefreshLease, SettingsSnapshot
from django_vwo_webhooks.models.clock import DatabaseClock, UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import wait_until
from tests.management.conftest import run_command


@pytest.mark.django_db
def test_a_site_that_never_began_is_stale():
    with pytest.raises(CommandError, match="stale"):
        run_command("vwo_status")


@pytest.mark.django_db(transaction=True)
def test_a_fresh_fleet(vwo, quick):
    get_client()
    wait_until(FleetProcess.objects.exists)
    vwo.set_flag("new_checkout", enabled=False)
    newest = refresh_settings()
    wait_until(lambda: FleetProcess.objects.get().snapshot == newest)
    text = run_command("vwo_status")
    assert "State: fresh" in text
    assert f"1 of 1 on #{newest.pk}, slowest 0." in text
    report = json.loads(run_command("vwo_status", "--json"))
    assert (report["state"], report["snapshot"]) == ("fresh", newest.pk)
    assert report["processes"][0]["snapshot"] == newest.pk


@pytest.mark.django_db(transaction=True)
def test_a_fleet_that_fails(vwo):
    refresh_settings()
    vwo.refuse()
    with pytest.raises(CommandError, match="connection refused"):
        run_command("vwo_refresh")
    with pytest.raises(CommandError, match="failing"):
        run_command("vwo_status")


@pytest.mark.django_db(transaction=True)
def test_a_fleet_that_nobody_looks_after_is_stale(vwo):
    refresh_settings()
    RefreshLease.objects.update(refreshed_at=UnixNow() - 901)
    with pytest.raises(CommandError, match="stale"):
        run_command("vwo_status")


@pytest.mark.django_db(transaction=True)
def test_waiting_names_the_process_that_is_behind(vwo):
    snapshot = refresh_settings()
    late = FleetProcess.for_this_process()
    late.host, late.pid, late.kind = "web7", 4711, "gunicorn"
    FleetProcess.objects.write_heartbeat(late)
    with pytest.raises(CommandError, match="Still waiting for gunicorn 4711 on web7"):
        run_command("vwo_status", "--wait", "0.3")
    timer = threading.Timer(0.3, _catch_up, [late, snapshot])
    timer.start()
    started = time.monotonic()
    assert "1 of 1" in run_command("vwo_status", "--wait", "10")
    assert time.monotonic() - started < 8
    timer.join()


def _catch_up(process, snapshot):
    process.note_applied(snapshot.pk, snapshot.created_at)
    FleetProcess.objects.write_heartbeat(process)
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_time_that_is_no_number_is_an_error(vwo):
    for text in ("soon", "nan", "-1"):
        with pytest.raises(CommandError, match=f"'{text}' should be a number of seconds"):
            run_command("vwo_status", f"--wait={text}")


@pytest.mark.django_db(transaction=True)
def test_a_process_without_a_heartbeat_is_marked_and_not_waited_for(vwo):
    refresh_settings()
    FleetProcess.objects.write_heartbeat(FleetProcess.for_this_process())
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 100)
    _running_process()
    assert "stale: no heartbeat for 100 s" in run_command("vwo_status", "--wait", "5")


@pytest.mark.django_db(transaction=True)
def test_impressions_that_wait_or_were_dropped_are_shown(vwo):
    refresh_settings()
    process = FleetProcess.for_this_process()
    FleetProcess.objects.write_heartbeat(process)
    assert "Impressions: none waiting, none dropped" in run_command("vwo_status")
    process.impressions_waiting, process.impressions_dropped = 3, {"refused": 2}
    FleetProcess.objects.write_heartbeat(process)
    text = run_command("vwo_status")
    assert "Impressions: 3 waiting, 2 dropped (refused by VWO: 2)" in text
    assert f"{process}: no settings, impressions: 3 waiting, 2 dropped" in text
    report = json.loads(run_command("vwo_status", "--json"))
    assert report["impressions"] == {"waiting": 3, "dropped": {"refused": 2}}


@pytest.mark.django_db(transaction=True)
def test_waiting_for_no_process_is_no_success(vwo):
    refresh_settings()
    assert "0 of 0" in run_command("vwo_status")
    with pytest.raises(CommandError, match="0 of at least 1 processes run these settings"):
        run_command("vwo_status", "--wait", "0.1")
    with pytest.raises(CommandError, match="0 of at least 2 processes"):
        run_command("vwo_status", "--processes", "2")
    _running_process()
    assert "1 of 1" in run_command("vwo_status", "--wait", "0.1")
    assert "1 of 1" in run_command("vwo_status", "--processes", "1")
    with pytest.raises(CommandError, match="1 of at least 2 processes"):
        run_command("vwo_status", "--wait", "0.1", "--processes", "2")
    timer = threading.Timer(0.3, _running_process)
    timer.start()
    assert "2 of 2" in run_command("vwo_status", "--wait", "10", "--processes", "2")
    timer.join()


@pytest.mark.django_db(transaction=True)
def test_waiting_for_the_first_settings(vwo):
    FleetProcess.objects.write_heartbeat(FleetProcess.for_this_process())
    with pytest.raises(CommandError, match="stale"):
        run_command("vwo_status", "--wait", "0.1")
    first = refresh_settings()
    with pytest.raises(CommandError, match="Still waiting"):
        run_command("vwo_status", "--wait", "0.1")
    FleetProcess.objects.update(snapshot=first)
    assert "1 of 1" in run_command("vwo_status", "--wait", "0.1")


@pytest.mark.django_db(transaction=True)
def test_under_constant_changes_it_waits_for_the_settings_of_its_start(vwo, monkeypatch):
    """The process is one change behind each time that the command looks."""
    refresh_settings()
    process = _running_process()

    def change(seconds):
        before = SettingsSnapshot.objects.in_force()
        vwo.set_flag("new_checkout", variables={"color": f"shade {next(shades)}"})
        refresh_settings()
        _apply(process, before, DatabaseClock.read("default").now())

    shades = itertools.count()
    change(0)
    change(0)
    looks = []
    monkeypatch.setattr("time.sleep", lambda seconds: (looks.append(seconds), change(seconds)))
    text = run_command("vwo_status", "--wait", "10")
    assert "0 of 1" in text, "what is in force at the end is another matter"
    assert len(looks) == 1


@pytest.mark.django_db(transaction=True)
def test_older_settings_than_those_of_its_start_are_waited_for(vwo):
    old = refresh_settings()
    process = _running_process()
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    _apply(process, old, DatabaseClock.read("default").now())
    with pytest.raises(CommandError, match="Still waiting"):
        run_command("vwo_status", "--wait", "0.3")


def _running_process():
    """A process that runs what is in force."""
    row = FleetProcess.for_this_process()
    _apply(row, SettingsSnapshot.objects.in_force(), DatabaseClock.read("default").now())
    connection.close()
    return row


def _apply(row, snapshot, at):
    row.snapshot_id, row.applied_at = snapshot.pk, at
    FleetProcess.objects.write_heartbeat(row)


@pytest.mark.django_db(transaction=True)
def test_the_flags_that_are_switched_off_are_named(vwo):
    refresh_settings()
    kill_switch.use("new_checkout", reason="refunds", by="anna")
    foreign = kill_switch.use("other", reason="refunds", by="anna", seconds=None)
    KillSwitch.objects.filter(pk=foreign.pk).update(key_digest="0" * 64)
    text = run_command("vwo_status")
    assert "State: switched_off since 20" in text
    assert "\nSwitched off: new_checkout, since 20" in text
    assert "\nNot in force, of another SDK key: the kill switch of other, since 20" in text
    assert "until it is released, by anna: refunds" in text
