"""The steps from the change at VWO to all processes."""

from datetime import datetime, timedelta
from datetime import timezone as zones

import pytest

from tests.admin.conftest import changed_by, event_at, event_page, process

pytestmark = pytest.mark.django_db


def test_the_timing_of_an_event(admin_client):
    at = datetime(2024, 6, 30, 12, 0, 5, tzinfo=zones.utc)
    event = event_at(
        at,
        timestamp=at - timedelta(seconds=3),
        last_received_at=at + timedelta(seconds=60),
        deliveries=4,
        finished_at=at + timedelta(seconds=61),
        refresh_seconds=0.084,
        outcome="unchanged",
    )
    assert timing(event_page(admin_client, event)) == [
        ("Changed at VWO", "2024-06-30 12:00:02", ""),
        ("Webhook received", "2024-06-30 12:00:05", "3.0 s after the change"),
        ("Last delivery", "2024-06-30 12:01:05", "4 deliveries"),
        ("Applied here", "2024-06-30 12:01:06", "the refresh took 84 ms"),
        ("Applied in all processes", "–", ""),
    ]
    event = event_at(at)
    assert timing(event_page(admin_client, event))[3] == ("Applied here", "–", "")


def timing(text):
    rows = text.split("From the change at VWO to all processes")[1].split("<tbody>")[1]
    rows = rows.split("</tbody>")[0].split("<tr>")[1:]
    marks = (
        '<th scope="row">',
        "</th>",
        '<td class="vwo-when">',
        "<td><bdi>",
        "</bdi></td>",
        "</td>",
        "</tr>",
    )
    for mark in marks:
        rows = [row.replace(mark, "|") for row in rows]
    return [tuple(row.strip().strip("|").split("||")[:3]) for row in (r + "|" for r in rows)]


def test_when_a_change_was_applied_in_all_processes(admin_client):
    event = changed_by(("flag", 1, 2))
    at = event.snapshot.created_at
    for seconds in (1, 2):
        process(event.snapshot, applied_at=at + timedelta(seconds=seconds))
    when = (at + timedelta(seconds=2)).strftime("%Y-%m-%d %H:%M:%S")
    whole = timing(event_page(admin_client, event))[4]
    assert whole == ("Applied in all processes", when, "2 of 2 processes")
    process(None)
    whole = timing(event_page(admin_client, event))[4]
    assert whole == ("Applied in all processes", "–", "2 of 3 processes")
    changed_by(("flag", 2, 3))
    assert timing(event_page(admin_client, event))[4] == ("Applied in all processes", "–", "")
