"""Expired rows of the trail are deleted in batches, and nothing else is deleted."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.conf import RETENTION_KEYS
from django_vwo_webhooks.models import (
    ChangedFeature,
    Flag,
    FleetProcess,
    KillSwitch,
    SettingsSnapshot,
    WebhookEvent,
    pruning,
)
from django_vwo_webhooks.models.base import ours
from tests.conftest import configure

pytestmark = pytest.mark.django_db

ELSEWHERE = {"environment": "elsewhere"}, {"key_digest": "another key's"}


def event(days=0.0, outcome="changed", **more):
    """An event that was received so many days ago."""
    at = timezone.now() - timedelta(days=days)
    return WebhookEvent.objects.create(
        **{
            **ours(),
            "event": "settings_changed",
            "payload": {},
            "outcome": outcome,
            "received_at": at,
            "last_received_at": at,
            "first_noted": 0,
            "last_noted": 0,
            **more,
        }
    )


def snapshot(days, **more):
    """A snapshot that was stored so many days ago."""
    changes = [{"kind": "feature_added", "feature": "new_checkout", "text": "It was added"}]
    at = timezone.now() - timedelta(days=days)
    stored = SettingsSnapshot.of({"features": []}, "digest", changes, "webhook", at)
    for name, value in more.items():
        setattr(stored, name, value)
    stored.store()
    return stored


def prune(*options, out=None):
    out = out or io.StringIO()
    call_command("vwo_prune", *options, stdout=out)
    return out.getvalue()


def counts(output, verb):
    """The numbers in the lines of the command."""
    return [int(line.partition(": ")[2].partition(f" {verb}, ")[0]) for line in output.splitlines()]


def endings(limit):
    """The possible ends of a line that was written shortly after ``limit`` was computed."""
    return tuple(
        f", older than {limit + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S} UTC"
        for seconds in range(5)
    )


def left(*rows):
    """The places of those rows in the arguments that still exist."""
    return [place for place, row in enumerate(rows) if type(row).objects.filter(pk=row.pk).exists()]


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(pruning, "BATCH_SIZE", 3)


class Terminal(io.StringIO):
    """A terminal whose user presses Ctrl-C at the last of so many writes."""

    writes_left = 1000

    def isatty(self):
        return True

    def write(self, text):
        super().write(text)
        self.writes_left -= 1
        if not self.writes_left:
            raise KeyboardInterrupt


def test_old_events_are_deleted_and_recent_ones_kept():
    events = event(91), event(89), event(91, "pending"), event(89, "pending")
    limit = timezone.now() - timedelta(days=90)
    output = prune()
    assert left(*events) == [1, 3]
    assert counts(output, "deleted") == [1, 1, 0, 0, 0, 0, 0]
    assert [line.partition(":")[0] for line in output.splitlines()] == [
        "pending events",
        "changed events",
        "unchanged events",
        "failed events",
        "snapshots",
        "kill switches",
        "flags asked for",
    ]
    assert all(line.endswith(endings(limit)) for line in output.splitlines())


def test_each_outcome_may_have_its_own_limit(settings):
    configure(settings, RETENTION_DAYS={"failed": 365, "unchanged": 7})
    failed = event(364, "failed"), event(366, "failed")
    unchanged = event(6, "unchanged"), event(8, "unchanged")
    others = event(89, "changed"), event(91, "changed"), event(89, "pending"), event(91, "pending")
    now = timezone.now()
    output = prune()
    assert left(*failed, *unchanged, *others) == [0, 2, 4, 6]
    # pending, changed, unchanged, failed, snapshots, kill switches, flags
    for line, days in zip(output.splitlines(), (90, 90, 7, 365, 90, 90, 90), strict=True):
        assert line.endswith(endings(now - timedelta(days=days)))


def test_every_outcome_but_pending_may_have_its_own_limit():
    assert {*WebhookEvent.Outcome} - {"pending"} | {"default"} == RETENTION_KEYS


OPTIONS = [
    # 20 days old: changed, unchanged, failed; 40 days old: the same; which of them stay
    ((), [0, 2, 3, 5]),
    (("--days", "30"), [0, 1, 2]),
    (("--days", "failed=30"), [0, 2, 3]),
    (("--days", "failed=50", "--days=30"), [0, 1, 2, 5]),
    (("--days", "default=30"), [0, 2, 5]),
    (("--days", "10", "--days", "30"), [0, 1, 2]),
    (("--days", "10"), []),
]


@pytest.mark.parametrize(("options", "stay"), OPTIONS)
def test_the_command_line_comes_before_the_settings(settings, options, stay):
    configure(settings, RETENTION_DAYS={"failed": 365, "unchanged": 7})
    events = [event(days, what) for days in (20, 40) for what in ("changed", "unchanged", "failed")]
    prune(*options)
    assert left(*events) == stay


@pytest.mark.parametrize(
    "option",
    ["--days=", "--days=x", "--days=-1", "--days=36501", "--days=faild=3", "--keep-last=x"],
)
def test_invalid_options_are_refused(option):
    row = event(40000)
    with pytest.raises(CommandError, match=r"--days|--keep-last"):
        prune(option)
    assert left(row) == [0]


def test_a_dry_run_counts_the_same_and_deletes_nothing(small_batches):
    pointed_at, forgotten, in_force = snapshot(300), snapshot(200), snapshot(100)
    rows = [
        *(event(91 + number) for number in range(7)),
        event(91, "failed", snapshot=pointed_at),
        event(89, snapshot=forgotten),
    ]
    dry = counts(prune("--dry-run"), "would be deleted")
    assert left(*rows, pointed_at, forgotten, in_force) == list(range(12))
    assert dry == [0, 7, 0, 1, 1, 0, 0]
    assert counts(prune(), "deleted") == dry
    assert left(*rows, pointed_at, forgotten, in_force) == [8, 10, 11]


def test_the_newest_events_are_kept_regardless_of_their_age():
    events = [event(days, what) for days in (100, 200, 300) for what in ("failed", "unchanged")]
    elsewhere = event(90, **ELSEWHERE[0])
    prune("--keep-last", "3")
    assert left(*events, elsewhere)[:2] == [0, 1]
    assert len(left(*events)) == 3
    prune("--keep-last", "10")
    assert len(left(*events)) == 3
    prune("--keep-last", "0")
    assert left(*events, elsewhere) == [6]


def test_keeping_the_newest_does_not_shorten_how_long_others_are_kept():
    events = event(10), event(50), event(100)
    prune("--keep-last", "1")
    assert left(*events) == [0, 1]


def test_keeping_more_events_than_there_are_deletes_nothing():
    events = event(100), event(200)
    prune("--keep-last", "5", "--days", "0")
    assert left(*events) == [0, 1]
    WebhookEvent.objects.all().delete()
    assert "failed events: 0 deleted" in prune("--keep-last", "5")


def test_other_environments_and_keys_are_left_alone(small_batches):
    theirs = [event(100, **whose) for whose in ELSEWHERE for _ in range(4)]
    snapshots = [snapshot(days, **whose) for whose in ELSEWHERE for days in (200, 100)]
    mine = [event(100) for _ in range(4)]
    WebhookEvent.objects.update(received_at=theirs[0].received_at)
    prune()
    assert left(*theirs, *snapshots, *mine) == list(range(12))


def test_events_that_vwo_may_still_retry_are_kept():
    hours = 1 / 24
    young = event(0.9 * hours, "failed", fingerprint="a"), event(0.9 * hours, "pending")
    old = event(1.1 * hours, "failed", fingerprint="b"), event(1.1 * hours, "pending")
    snapshots = snapshot(0.9 * hours), snapshot(1.1 * hours), snapshot(0)
    prune("--days", "0")
    assert left(*young, *old) == [0, 1]
    assert left(*snapshots) == [0, 2]


def test_the_snapshot_in_force_is_kept_and_still_served(transactional_db, vwo, deliver):
    deliver()
    deliver(timestamp=2)
    old = timezone.now() - timedelta(days=1000)
    WebhookEvent.objects.update(received_at=old)
    SettingsSnapshot.objects.update(created_at=old)
    prune()
    assert not WebhookEvent.objects.exists()
    assert SettingsSnapshot.objects.count() == 1
    assert get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()
    assert deliver().status_code == 200


def test_snapshots_that_a_kept_row_points_to_are_kept():
    by_event, by_old_event, by_process, by_nothing, young, in_force = (
        snapshot(days) for days in (300, 280, 260, 240, 80, 70)
    )
    kept, gone = event(89, snapshot=by_event), event(91, snapshot=by_old_event)
    process = FleetProcess.for_this_process()
    process.snapshot = by_process
    FleetProcess.objects.write_heartbeat(process)
    assert "snapshots: 2 deleted" in prune()
    assert left(by_event, by_old_event, by_process, by_nothing, young, in_force) == [0, 2, 4, 5]
    assert left(kept, gone) == [0]
    assert FleetProcess.objects.get().snapshot_id == by_process.pk


def test_the_changed_features_of_a_snapshot_are_deleted_with_it(small_batches):
    snapshots = [snapshot(200) for _ in range(8)]
    prune()
    assert left(*snapshots) == [7]
    assert ChangedFeature.objects.get().snapshot == snapshots[7]


def test_an_event_that_comes_to_point_to_an_expired_snapshot_loses_it(monkeypatch):
    old, _in_force = snapshot(200), snapshot(100)
    found = pruning.Expired({"default": 90})
    batches = list(found.snapshots())
    late = event(snapshot=old)
    monkeypatch.setattr(pruning.Expired, "snapshots", lambda self: iter(batches))
    assert "snapshots: 1 deleted" in prune()
    late.refresh_from_db()
    assert late.snapshot is None


def statements(kind, queries):
    return [query["sql"] for query in queries if query["sql"].startswith(kind)]


def test_events_are_deleted_in_batches_of_one_statement(small_batches):
    for number in range(7):
        event(100 + number)
    with CaptureQueriesContext(connection) as queries:
        assert "changed events: 7 deleted" in prune()
    assert len(statements("DELETE", queries)) == 3
    assert not statements("UPDATE", queries)
    text = "".join(query["sql"] for query in queries)
    assert "COUNT(" not in text
    assert "DISTINCT" not in text


def test_the_batches_are_found_by_an_index(small_batches):
    if connection.vendor != "sqlite":
        pytest.skip("other databases choose by the size of the tables")
    for number in range(7):
        event(100 + number, snapshot=snapshot(200 - number))
        Flag.objects.note_asked([f"flag_{number}"], timezone.now() - timedelta(days=100))
        Flag.objects.note_asked([f"flag_{number}"], timezone.now() - timedelta(days=100))
    with CaptureQueriesContext(connection) as queries:
        prune("--keep-last=1")
    selects = statements("SELECT", queries)
    assert len(selects) > 9
    for sql in selects:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = [row[3] for row in cursor.fetchall()]
        # the clock is read by a statement without a table
        slow = [step for step in plan if "TEMP B-TREE" in step or "SCAN" in step]
        assert slow in ([], ["SCAN CONSTANT ROW"]), sql
        if '"outcome" =' in sql and "EXISTS" not in sql:
            assert "USING INDEX vwo_event_outcome (outcome=? AND received_at" in plan[0], sql


def test_the_documents_are_not_read(small_batches):
    for number in range(4):
        event(100 + number, snapshot=snapshot(200))
    with CaptureQueriesContext(connection) as queries:
        prune()
    for column in ("payload", "settings"):
        name = connection.ops.quote_name(column)
        assert not [sql for sql in statements("SELECT", queries) if f".{name}" in sql]


def test_progress_is_shown_on_a_terminal_only(small_batches):
    for number in range(4):
        event(100 + number)
    assert "\r" not in prune("--dry-run")
    shown = prune("--dry-run", out=Terminal())
    assert "changed events: 3 would be deleted\rchanged events: 4 would be deleted\r" in shown
    assert "\r" not in prune("--dry-run", "-v0", out=Terminal())
    assert prune("-v0") == ""
    assert not WebhookEvent.objects.exists()


def test_after_ctrl_c_the_next_run_deletes_the_rest(small_batches):
    for number in range(7):
        event(100 + number)
    terminal = Terminal()
    terminal.writes_left = 2  # the line of pending events, then the first batch
    with pytest.raises(CommandError, match="the next run does the rest") as stopped:
        prune(out=terminal)
    assert stopped.value.returncode == 130
    assert terminal.getvalue().endswith("\nchanged events: 3 deleted\r\n")
    assert WebhookEvent.objects.count() == 4
    assert "changed events: 4 deleted" in prune()


def test_ctrl_c_adds_no_line_where_the_output_is_not_a_terminal(monkeypatch):
    row = event(100, "failed")
    out = Terminal()
    out.writes_left = 3
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    with pytest.raises(CommandError):
        prune(out=out)
    assert out.getvalue().count("\n") == 3
    assert left(row) == [0]


def test_two_commands_may_run_at_once(transactional_db, small_batches, in_thread):
    for number in range(40):
        event(100 + number % 3, snapshot=snapshot(200))
    outputs = []
    threads = [in_thread(lambda: outputs.append(prune())) for _ in range(2)]
    for thread in threads:
        thread.join()
    assert len(outputs) == 2
    assert not WebhookEvent.objects.exists()
    assert SettingsSnapshot.objects.count() == 1


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_rows_are_deleted_from_the_database_that_they_are_written_to(settings):
    here = event(100)
    settings.DATABASE_ROUTERS = ["tests.servers.test_databases.OnOther"]
    there = event(100, snapshot=snapshot(200)), snapshot(100)
    output = prune()
    assert "changed events: 1 deleted" in output
    assert "snapshots: 1 deleted" in output
    assert left(*there) == [1]
    settings.DATABASE_ROUTERS = []
    assert left(here) == [0]


def switch(days, **more):
    """A kill switch that was used so many days ago, for an hour unless told otherwise."""
    at = timezone.now() - timedelta(days=days)
    values = {"flag": "f", "reason": "r", "until": at + timedelta(hours=1), "used_at": at}
    return KillSwitch.objects.create(**{**ours(), **values, **more})


def test_kill_switches_are_kept_while_in_use_and_then_for_as_long_as_events():
    long_ago = timezone.now() - timedelta(days=100)
    kept = [
        switch(1),
        switch(200, until=None),
        switch(200, until=timezone.now() + timedelta(days=1)),
        switch(200, released_at=timezone.now() - timedelta(days=80)),
        switch(200, until=None, released_at=timezone.now()),
        *(switch(200, released_at=long_ago, **elsewhere) for elsewhere in ELSEWHERE),
    ]
    switch(200)
    switch(200, until=None, released_at=long_ago)
    assert "kill switches: 2 would be deleted" in prune("--dry-run")
    assert "kill switches: 2 deleted, older than" in prune()
    assert set(KillSwitch.objects.all()) == set(kept)
