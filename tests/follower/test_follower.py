"""Every process of the fleet: who has what, and what the commands say of it."""

import contextlib
import io
import json
import os
import signal
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.core.signals import request_started
from django.db import connection, transaction

from django_vwo_webhooks.broadcast.local import LocalBroadcast
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import RefreshBusy
from django_vwo_webhooks.follower import _follower as follower
from django_vwo_webhooks.follower import stop_following
from django_vwo_webhooks.follower.thread import IDLE_CONNECTION_SECONDS as KEEP_SECONDS
from django_vwo_webhooks.models import FleetProcess, RefreshLease, SettingsSnapshot
from django_vwo_webhooks.models.base import UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.status import fleet_status
from tests.conftest import configure, run_site, start_site, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

USER = {"id": "u"}


def enabled():
    return get_client().get_flag("new_checkout", USER).is_enabled()


def command(name, *args):
    out = io.StringIO()
    call_command(name, *args, stdout=out)
    return out.getvalue()


def test_a_process_says_what_it_runs_and_goes_when_it_goes(vwo):
    enabled()
    wait_until(FleetProcess.objects.exists)
    row = FleetProcess.objects.get()
    assert row.snapshot == SettingsSnapshot.objects.newest()
    assert row.pid > 0
    assert row.host
    vwo.set_flag("new_checkout", enabled=False)
    newest = refresh_settings()
    wait_until(lambda: FleetProcess.objects.get().snapshot == newest)
    stop_following()
    assert not FleetProcess.objects.exists()


def test_a_process_that_ends_takes_its_row_along(vwo):
    ran = run_site(
        "from django_vwo_webhooks.client import get_client; get_client()\n"
        "from django_vwo_webhooks.models import FleetProcess; import time\n"
        "while not FleetProcess.objects.exists(): time.sleep(0.01)\n"
        "print(FleetProcess.objects.get().kind)"
    )
    assert ran.stdout.strip() == "__main__.py shell", ran.stderr
    assert not FleetProcess.objects.exists()


def test_rows_of_processes_long_gone_are_cleared_away(vwo):
    gone = FleetProcess.for_this_process()
    FleetProcess.objects.write_heartbeat(gone)
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 3601)
    enabled()
    wait_until(lambda: not FleetProcess.objects.filter(pk=gone.pk).exists())


def test_one_fetch_a_change_for_the_whole_fleet(vwo):
    enabled()
    code = """
from django_vwo_webhooks.broadcast.local import LocalBroadcast
from django_vwo_webhooks.client import get_client
client = get_client()
print("up", flush=True)
while client.get_flag("new_checkout", {"id": "u"}).is_enabled(): pass
"""
    with start_site(code) as one, start_site(code) as two:
        assert [one.stdout.readline(), two.stdout.readline()] == ["up\n", "up\n"]
        before = len(vwo.fetches)
        vwo.set_flag("new_checkout", enabled=False)
        refresh_settings()
        assert one.wait(10) == two.wait(10) == 0
    assert len(vwo.fetches) == before + 1


def test_a_process_that_slept_through_a_newer_refresh_overwrites_nothing(vwo, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=1)
    refresh_settings()
    vwo.set_flag("new_checkout", variables={"color": "old"})
    code = """
import os, signal
from django_vwo_webhooks import sdk
from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.refresh import refresh_settings
build = sdk.build
def fall_asleep(settings):
    sdk.build = build
    os.kill(os.getpid(), signal.SIGSTOP)
    return build(settings)
sdk.build = fall_asleep
try:
    refresh_settings()
except RefreshFailed as failure:
    print(type(failure).__name__)
"""
    with start_site(code) as sleeper:
        os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED)
        vwo.set_flag("new_checkout", variables={"color": "new"})
        wait_until(refreshed)
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.communicate()[0] == "Superseded\n"
    assert get_client().get_flag("new_checkout", USER).get_variable("color") == "new"
    assert SettingsSnapshot.objects.count() == 2


def refreshed():
    with contextlib.suppress(RefreshBusy):
        return refresh_settings()


def test_a_cold_start_of_many_asks_vwo_once(vwo):
    vwo.misbehave(delay=0.5)
    code = """
from django_vwo_webhooks.broadcast.local import LocalBroadcast
from django_vwo_webhooks.client import get_client
assert get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()
"""
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(start_site(code)) for _ in range(4)]
        assert [process.wait(30) for process in processes] == [0] * 4
    assert len(vwo.fetches) == 1


def test_a_change_without_a_webhook_is_found_once(vwo, settings):
    configure(settings, RECONCILE_SECONDS=1)
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    wait_until(lambda: not enabled())
    newest = SettingsSnapshot.objects.newest()
    assert newest.cause == "reconcile"
    assert SettingsSnapshot.objects.count() == 2


def test_a_reconcile_finishes_rows_that_were_left_behind(vwo, deliver, settings):
    vwo.misbehave(status=500)
    deliver()
    vwo.behave()
    RefreshLease.objects.update(retry_at=0)
    enabled()
    snapshot = SettingsSnapshot.objects.newest()
    assert snapshot.cause == "webhook"
    assert snapshot.events.get().outcome == "changed"


def test_the_follower_survives_the_database(vwo, caplog):
    assert enabled()
    rename = "ALTER TABLE {} RENAME TO {}"
    table = "django_vwo_webhooks_refreshlease"
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, "away"))
    wait_until(lambda: "Failed: following" in caplog.text)
    with connection.cursor() as cursor:
        cursor.execute(rename.format("away", table))
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    SettingsSnapshot.objects.update(digest="")
    wait_until(lambda: "Recovered: following" in caplog.text)
    assert not enabled()
    assert caplog.text.count("Failed: following") == 1


def test_a_bell_that_can_not_be_heard_costs_no_update(vwo, settings, caplog):
    configure(settings, BROADCAST={"BACKEND": "tests.follower.test_follower.Broken"})
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    ran = run_site(
        "from django_vwo_webhooks.refresh import *; refresh_settings()",
    )
    assert ran.returncode == 0, ran.stderr
    wait_until(lambda: not enabled())
    wait_until(lambda: "Failed: listening" in caplog.text)
    assert caplog.text.count("Failed: listening") == 1


class Broken(LocalBroadcast):
    def publish(self, channel):
        raise OSError("no bell")

    def listen(self, channel, timeout_seconds):
        raise OSError("no bell")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL lists connections")
def test_while_a_bell_pushes_no_connection_is_held_at_rest(vwo, settings):
    configure(
        settings,
        BROADCAST={"BACKEND": "django_vwo_webhooks.broadcast.local.LocalBroadcast"},
    )
    before = connected()
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    wait_until(lambda: FleetProcess.objects.filter(snapshot=SettingsSnapshot.objects.newest()))
    assert connected() > before, "changes rarely come alone"
    wait_until(lambda: connected() == before, 2 * KEEP_SECONDS)


def connected():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="what MySQL's driver does")
def test_a_fork_leaves_the_parents_connection_alone(vwo):
    refresh_settings()
    ran = run_site(
        """
import os, threading
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import FleetProcess
get_client()
while not FleetProcess.objects.exists(): pass
for _ in range(3):
    if not os.fork():
        os._exit(0)
    os.wait()
looked = threading.Event()
from django_vwo_webhooks.follower import follower
look = follower().look
follower().look = lambda: (look(), looked.set())
assert looked.wait(10)
"""
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_safety_net_spans_a_clock_that_was_set_back(vwo, settings):
    configure(settings, RECONCILE_SECONDS=100)
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    RefreshLease.objects.update(looked_at=UnixNow() + 86400)
    assert fleet_status().state == "stale"
    wait_until(lambda: not enabled())
    assert fleet_status().state == "fresh"


def test_with_a_bell_that_pushes_the_safety_net_comes_in_time(vwo, settings):
    backend = "django_vwo_webhooks.broadcast.local.LocalBroadcast"
    configure(settings, BROADCAST={"BACKEND": backend}, RECONCILE_SECONDS=3)
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    wait_until(lambda: not enabled(), 10)


def test_without_threads_the_first_look_is_not_part_of_the_sites_transaction(vwo, settings):
    backend = "django_vwo_webhooks.broadcast.database.DatabaseBroadcast"
    configure(settings, BROADCAST={"BACKEND": backend, "OPTIONS": {"thread": False}})
    with transaction.atomic():
        assert enabled()
        transaction.set_rollback(True)
    assert SettingsSnapshot.objects.count() == 1
    assert fleet_status().state == "fresh"


def test_without_threads_a_look_happens_when_a_request_starts(vwo, settings):
    options = {"thread": False, "poll_seconds": 0.2}
    configure(
        settings,
        BROADCAST={
            "BACKEND": "django_vwo_webhooks.broadcast.database.DatabaseBroadcast",
            "OPTIONS": options,
        },
    )
    assert enabled()
    assert "vwo-follower" not in [thread.name for thread in threading.enumerate()]
    vwo.set_flag("new_checkout", enabled=False)
    ran = run_site("from django_vwo_webhooks.refresh import *; refresh_settings()")
    assert ran.returncode == 0, ran.stderr
    assert enabled(), "nothing looks by itself"

    def a_request_comes():
        request_started.send(sender=None)
        return not enabled()

    wait_until(a_request_comes)


def test_status_of_a_site_that_never_began(settings):
    with pytest.raises(CommandError, match="stale"):
        command("vwo_status")


def test_status_of_a_fresh_fleet(vwo):
    enabled()
    wait_until(FleetProcess.objects.exists)
    vwo.set_flag("new_checkout", enabled=False)
    newest = refresh_settings()
    wait_until(lambda: FleetProcess.objects.get().snapshot == newest)
    text = command("vwo_status")
    assert "State: fresh" in text
    assert f"1 of 1 on #{newest.pk}, slowest 0.0 s" in text
    report = json.loads(command("vwo_status", "--json"))
    assert (report["state"], report["snapshot"]) == ("fresh", newest.pk)
    assert report["processes"][0]["snapshot"] == newest.pk


def test_status_of_a_fleet_that_fails(vwo):
    refresh_settings()
    vwo.refuse()
    with pytest.raises(CommandError, match="connection refused"):
        command("vwo_refresh")
    with pytest.raises(CommandError, match="failing"):
        command("vwo_status")
    status = fleet_status()
    assert status.since is not None
    vwo.accept()
    assert "is in force" in command("vwo_refresh")
    assert fleet_status().state == "fresh"


def test_status_of_a_fleet_that_nobody_looks_after(vwo, settings):
    refresh_settings()
    RefreshLease.objects.update(looked_at=UnixNow() - 901)
    with pytest.raises(CommandError, match="stale"):
        command("vwo_status")


def test_waiting_names_whom_it_waits_for(vwo):
    snapshot = refresh_settings()
    late = FleetProcess.for_this_process()
    late.host, late.pid, late.kind = "web7", 4711, "gunicorn"
    FleetProcess.objects.write_heartbeat(late)
    with pytest.raises(CommandError, match="Still waiting for gunicorn 4711 on web7"):
        command("vwo_status", "--wait", "0.3")
    timer = threading.Timer(0.3, _catch_up, [late, snapshot])
    timer.start()
    started = time.monotonic()
    assert "1 of 1" in command("vwo_status", "--wait", "10")
    assert time.monotonic() - started < 8
    timer.join()


def _catch_up(process, snapshot):
    process.note_applied(snapshot.pk, snapshot.created_at)
    FleetProcess.objects.write_heartbeat(process)
    connection.close()


def test_a_silent_process_is_marked_and_not_waited_for(vwo):
    refresh_settings()
    FleetProcess.objects.write_heartbeat(FleetProcess.for_this_process())
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 100)
    assert "stale: no heartbeat for 100 s" in command("vwo_status", "--wait", "5")


def test_a_follower_that_was_stopped_is_followed_by_a_new_one(vwo):
    enabled()
    first = follower()
    stop_following()
    assert enabled()
    assert follower() is not first
