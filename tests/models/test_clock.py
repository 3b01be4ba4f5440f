"""What is compared between processes is of the database's clock, whatever the machine's says."""

import ast
import time
from datetime import datetime, timedelta
from datetime import timezone as zones
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

import django_vwo_webhooks
from django_vwo_webhooks.models import FleetProcess, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.models.clock import DatabaseClock
from django_vwo_webhooks.status import fleet_status
from tests.conftest import configure, wait_until
from tests.follower.flags import enabled
from tests.management.conftest import run_command

PACKAGE = Path(django_vwo_webhooks.__file__).parent

NAMES = {
    ("admin/events.py", "timezone.now"): "in the name of a file that is downloaded",
    ("management/outgoing.py", "time.time"): "the sender's clock, in the body of a delivery",
    ("testing/page.py", "time.time"): "when the simulator sent a webhook, for its own page",
    ("sdk/client.py", "time.time"): "the session of the SDK's impressions",
}
"""Where the machine's clock may be read, and what for."""

CLOCKS = {"time.time", "timezone.now", "timezone.localtime", "Now", "CurrentTimestamp"}
CLOCKS |= {f"{kind}.{name}" for kind in ("datetime", "date") for name in ("now", "utcnow", "today")}


def clocks_read(path):
    """The clocks of the machine that a module reads or passes on, and columns that read one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Name, ast.Attribute)):
            dotted = ast.unparse(node)
            for name in CLOCKS:
                if dotted == name or dotted.endswith(f".{name}"):
                    yield name
        elif isinstance(node, ast.keyword) and node.arg in ("auto_now", "auto_now_add"):
            yield node.arg
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "django.utils.timezone"):
            # without the module's name they would not be found
            yield from ({alias.name for alias in node.names} & {"time", "now"})
        elif isinstance(node, ast.alias) and node.asname and node.name in ("time", "timezone"):
            yield f"{node.name} as {node.asname}"


def test_the_package_reads_the_machines_clock_in_these_places_only():
    found = {
        (str(path.relative_to(PACKAGE)), name)
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "migrations"
        for name in clocks_read(path)
    }
    assert found == set(NAMES)


def test_a_reading_goes_on_with_the_monotonic_clock(settings):
    clock = DatabaseClock(1_800_000_000.25, time.monotonic() - 5)
    at = clock.at(clock.monotonic_seconds - 1)
    assert at == datetime(2027, 1, 15, 7, 59, 59, 250_000, tzinfo=zones.utc)
    assert timedelta(seconds=5) <= clock.now() - clock.at(clock.monotonic_seconds)
    settings.USE_TZ = False
    assert clock.at(clock.monotonic_seconds - 1) == datetime.fromtimestamp(1_799_999_999.25)


@pytest.mark.django_db
def test_the_clock_that_is_read_is_in_utc_whatever_the_time_zone_of_the_session():
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            zone = "TIME ZONE" if connection.vendor == "postgresql" else "time_zone ="
            cursor.execute(f"SET SESSION {zone} '+05:45'")
    assert abs(DatabaseClock.read("default").now() - timezone.now()) < timedelta(seconds=5)


@pytest.fixture(params=[-2, 2], ids=["behind", "ahead"])
def skewed(request, monkeypatch):
    """This process's clock is two hours off, as far as Python code can see."""
    off = request.param * 3600
    real = time.time
    now = timezone.now
    monkeypatch.setattr("time.time", lambda: real() + off)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now() + timedelta(seconds=off))
    return off


@pytest.mark.django_db(transaction=True)
def test_an_event_of_processes_with_different_clocks_is_one_row(vwo, deliver, monkeypatch, skewed):
    before = DatabaseClock.read("default").now() - timedelta(seconds=1)
    vwo.misbehave(status=500)
    assert deliver().status_code == 503
    monkeypatch.undo()
    assert deliver().status_code == 503
    event = WebhookEvent.objects.get()
    assert before < event.received_at <= event.last_received_at < before + timedelta(seconds=60)


@pytest.mark.django_db(transaction=True)
def test_every_time_of_a_skewed_process_is_the_databases(vwo, deliver, quick, settings, skewed):
    clock = DatabaseClock.read("default")
    configure(settings, RETENTION_DAYS=1)
    assert enabled()
    wait_until(FleetProcess.objects.exists)
    vwo.set_flag("new_checkout", enabled=False)
    assert deliver().status_code == 200
    newest = SettingsSnapshot.objects.in_force()
    wait_until(lambda: FleetProcess.objects.get().snapshot == newest)
    event, process = WebhookEvent.objects.get(), FleetProcess.objects.get()
    times = [
        event.received_at,
        event.last_received_at,
        event.finished_at,
        newest.created_at,
        process.applied_at,
        fleet_status().since,
        fleet_status().now,
    ]
    second = timedelta(seconds=1)
    assert all(
        clock.at(clock.monotonic_seconds) - second < at < clock.now() + second for at in times
    )
    assert 0 <= fleet_status().slowest_seconds < 30
    SettingsSnapshot.objects.update(cause="reconcile")
    # VWO may still retry what was found just now, and nothing is as old as an hour
    assert not SettingsSnapshot.objects.with_missed(fleet_status().now).filter(is_missed=True)
    assert WebhookEvent.objects.close_overdue(fleet_status().now) == 0
    for name in ("received_at", "last_received_at"):
        WebhookEvent.objects.update(**{name: clock.now() - timedelta(hours=23, minutes=30)})
    assert "changed events: 0 deleted" in run_command("vwo_prune")
    WebhookEvent.objects.update(received_at=clock.now() - timedelta(hours=24, minutes=30))
    assert "changed events: 1 deleted" in run_command("vwo_prune")
