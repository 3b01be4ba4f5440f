"""A process whose clock is two hours off, beside this one whose clock is right."""

import glob
import shutil
import time
from datetime import timedelta

import pytest
from django.db import connection

from django_vwo_webhooks.models import FleetProcess, KillSwitch, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.models.clock import DatabaseClock
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.status import fleet_status
from tests.conftest import run_site, start_site, wait_until
from tests.follower.flags import enabled

pytestmark = pytest.mark.django_db(transaction=True)

POSTS = """
import json
from django.test import Client
from django.conf import settings
print(Client().post(
    "/webhooks/vwo/",
    json.dumps({payload!r}),
    content_type="application/json",
    headers={{"x-vwo-auth": settings.VWO_WEBHOOKS["SECRET"]}},
).status_code)
"""

FOLLOWS = """
import sys
from django.core.management import call_command
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.models.clock import DatabaseClock
from django.utils import timezone
refresh_settings("reconcile")
get_client()
clock = DatabaseClock.read("default")
print(round((timezone.now() - clock.now()).total_seconds() / 3600), flush=True)
sys.stdin.readline()
call_command("vwo_prune", "--days=0", verbosity=0)
print("pruned", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(params=["-2h", "+2h"], ids=["behind", "ahead"])
def clock_off(request):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has the process's clock")
    return clock_off_by(request.param)


def clock_off_by(offset):
    """What to add to the environment of a process, so that its clock is off."""
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed")
    (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": library, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def test_one_event_is_one_row(vwo, deliver, clock_off):
    vwo.misbehave(status=500)
    payload = {"event": "settings_changed"}
    ran = run_site(POSTS.format(payload=payload), **clock_off)
    assert ran.stdout == "503\n", ran.stderr
    assert deliver(payload).status_code == 503
    event = WebhookEvent.objects.get()
    assert event.deliveries == 2
    assert timedelta() < event.last_received_at - event.received_at < timedelta(seconds=10)


def test_a_skewed_process_follows_refreshes_and_prunes(vwo, deliver, quick, clock_off):
    began = DatabaseClock.read("default").now()
    with start_site(FOLLOWS, **clock_off) as skewed:
        assert skewed.stdout.readline() == f"{int(clock_off['FAKETIME'][:-1])}\n"
        found = SettingsSnapshot.objects.get()
        assert found.cause == "reconcile"
        assert deliver(action="a second later").status_code == 200
        now = fleet_status().now
        assert began < found.created_at < now
        assert not SettingsSnapshot.objects.with_missed(now).filter(is_missed=True)
        wait_until(lambda: FleetProcess.objects.filter(snapshot=found))
        vwo.set_flag("new_checkout", enabled=False)
        newest = refresh_settings()
        wait_until(lambda: FleetProcess.objects.filter(snapshot=newest))
        status = fleet_status()
        assert 0 <= status.slowest_seconds < 30
        assert [process.heartbeat_age_seconds < 30 for process in status.processes] == [True]
        skewed.stdin.write("\n")
        skewed.stdin.flush()
        assert skewed.stdout.readline() == "pruned\n"
        assert (WebhookEvent.objects.count(), SettingsSnapshot.objects.count()) == (1, 2)


SWITCHES_OFF = """
import sys, threading
from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.client import get_client
client = get_client()
def on(): return client.get_flag("new_checkout", {"id": "u"}).is_enabled()
kill_switch.use("new_checkout", reason="r", by="b", seconds=3)
assert not on()
print("off", flush=True)
# not time.sleep, which raises "Invalid argument" under libfaketime
while not on(): threading.Event().wait(0.01)
print("on", flush=True)
sys.stdin.readline()
"""


def test_a_kill_switch_ends_on_time_everywhere(vwo, quick, clock_off):
    assert enabled()
    with start_site(SWITCHES_OFF, **clock_off) as skewed:
        assert skewed.stdout.readline() == "off\n"
        wait_until(lambda: not enabled())
        switch = KillSwitch.objects.get()
        assert switch.until > DatabaseClock.read("default").now()
        wait_until(enabled)
        ended_at = time.monotonic()
        assert skewed.stdout.readline() == "on\n"
        assert time.monotonic() - ended_at < 10
        wait_until(lambda: not KillSwitch.objects.not_released())
        switch.refresh_from_db()
        # by the latency of the statement that read the clock, it may end sooner
        assert timedelta() <= switch.until - switch.released_at < timedelta(seconds=10)
