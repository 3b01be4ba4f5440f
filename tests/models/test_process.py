import os
import socket
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from django_vwo_webhooks.models import FleetProcess, SettingsSnapshot
from django_vwo_webhooks.models.clock import UnixNow


def stored_snapshot(number):
    snapshot = SettingsSnapshot.of({}, f"digest {number}", [], "manual", timezone.now())
    snapshot.store()
    return snapshot


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["/usr/bin/gunicorn", "site.wsgi"], "gunicorn"),
        (["manage.py", "runserver"], "manage.py runserver"),
        (["/site/django/__main__.py", "shell"], "__main__.py shell"),
        (["manage.py"], "manage.py"),
        ([""], "python"),
        ([], "python"),
    ],
)
def test_a_row_names_the_process_and_what_it_is(monkeypatch, arguments, kind):
    monkeypatch.setattr(sys, "argv", arguments)
    row = FleetProcess.for_this_process()
    assert (row.host, row.pid, row.kind) == (socket.gethostname(), os.getpid(), kind)
    assert str(row) == f"{kind} {os.getpid()} on {socket.gethostname()}"


@pytest.mark.django_db
def test_a_heartbeat_inserts_the_row_once_and_updates_it_then():
    row = FleetProcess.for_this_process()
    FleetProcess.objects.write_heartbeat(row)
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 50)
    assert 49 < FleetProcess.objects.with_heartbeat_age().get().heartbeat_age_seconds < 60
    newest = stored_snapshot(1)
    row.note_applied(newest.pk, timezone.now())
    FleetProcess.objects.write_heartbeat(row)
    stored = FleetProcess.objects.with_heartbeat_age().get()
    assert stored.snapshot == newest
    assert stored.heartbeat_age_seconds < 10


@pytest.mark.django_db
def test_rows_are_deleted_an_hour_after_their_last_heartbeat():
    gone, stale = FleetProcess.for_this_process(), FleetProcess.for_this_process()
    for row, age in ((gone, 3601), (stale, 3500)):
        FleetProcess.objects.write_heartbeat(row)
        FleetProcess.objects.filter(pk=row.pk).update(heartbeat_at=UnixNow() - age)
    FleetProcess.objects.delete_expired()
    assert list(FleetProcess.objects.all()) == [stale]


def test_what_a_process_found_at_its_start_does_not_count_as_followed():
    row = FleetProcess.for_this_process()
    now = timezone.now()
    assert not row.note_applied(None, None)
    assert row.note_applied(1, now)
    assert not row.followed
    assert not row.note_applied(1, now)
    assert row.note_applied(2, now + timedelta(seconds=3))
    assert row.followed
    assert row.lag_seconds(now) == 3
    assert FleetProcess.for_this_process().lag_seconds(now) is None
