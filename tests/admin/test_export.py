"""Events as CSV and JSON."""

import asyncio
import csv
import io
import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from django_vwo_webhooks.admin import export
from django_vwo_webhooks.models import WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import EVENTS, changed_by, changed_event, event_at

pytestmark = pytest.mark.django_db


def exported(client, file_format, *events, query="", **data):
    chosen = [event.pk for event in events] or WebhookEvent.objects.values_list("pk", flat=True)[:1]
    response = client.post(
        EVENTS + query,
        {"action": f"export_{file_format}", "_selected_action": list(chosen), **data},
    )
    assert response.status_code == 200
    assert response.streaming
    text = response.getvalue().decode()
    return json.loads(text) if file_format == "json" else list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_an_export_has_the_selected_rows_or_all_that_match(admin_client, file_format):
    events = [event_at(outcome="failed" if n % 2 else "unchanged") for n in range(5)]
    rows = exported(admin_client, file_format, events[0], events[3])
    assert [int(row["id"]) for row in rows] == [events[3].pk, events[0].pk]
    rows = exported(admin_client, file_format, query="?outcome__exact=failed", select_across="1")
    assert [int(row["id"]) for row in rows] == [events[3].pk, events[1].pk]


def test_an_event_as_json(admin_client, deliver, vwo):
    refresh_settings()
    event = changed_event(deliver, vwo, color="green")
    (row,) = exported(admin_client, "json", event)
    assert row["payload"] == event.payload
    assert row["changes"] == event.snapshot.changes
    assert row["received_at"] == event.received_at.isoformat()[:23] + "Z"
    assert row == admin_client.get(f"{EVENTS}{event.pk}/json/").json()
    assert "must-not-leak" not in json.dumps(row)


def test_no_events_as_json():
    assert json.loads("".join(export.json_lines(WebhookEvent.objects.none()))) == []


@pytest.mark.parametrize("name", ["csv", "json"])
def test_an_export_is_in_the_language_of_its_reader(admin_client, settings, name):
    """It is read in pieces, while another language may be active."""
    event = changed_by(("a", "x", "y"))
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    chosen = {"action": f"export_{name}", "_selected_action": [event.pk]}
    with translation.override("en"):
        response = admin_client.post(EVENTS, chosen, headers={"accept-language": "de"})
        translation.activate("en")
        text = b"".join(response.streaming_content).decode()
    if name == "csv":
        [row] = csv.DictReader(io.StringIO(text))
        assert row["first_change"] == "a: x „x“ → „y“"
        return
    [change] = json.loads(text)[0]["changes"]
    assert change["text"] == "a: x „x“ → „y“"
    data = {"kind": "variable", "feature": "a", "path": "x", "before": "x", "after": "y"}
    assert {**change, **data} == change
    assert change["values"] == {"what": "x", "how": "changed", "as": "value"}


def test_an_event_as_csv(admin_client):
    event = changed_by(("a", 1, 2), ("b", 1, 2), triggered_by='Ada "the first", née Byron\n')
    (row,) = exported(admin_client, "csv", event)
    assert row["triggered_by"] == event.triggered_by
    assert row["received_at"] == event.received_at.isoformat()
    assert (row["first_change"], row["changes"]) == ("a: x 1 → 2", "2")


FORMULAS = [
    "=cmd()",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "＝1",
    "surrogate \ud83d",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_spreadsheets_compute_no_cell_of_the_csv(admin_client, text):
    event = event_at(deliveries=1)
    event.action = text
    # only in memory: not every database stores a lone surrogate
    line = export.csv_line(event)
    cell = next(csv.reader(io.StringIO(line, newline="")))[export.COLUMNS.index("action")]
    assert cell == ("surrogate \\ud83d" if "surrogate" in text else f"'{text}")


def first_cell(line):
    return int(line.partition(",")[0])


def of_events(captured):
    """Django 5.2.0 also asks for the snapshots of events that have none."""
    return [query["sql"] for query in captured if WebhookEvent._meta.db_table in query["sql"]]


def test_an_export_is_read_by_short_statements(monkeypatch):
    monkeypatch.setattr(export, "BATCH_SIZE", 2)
    at = timezone.now()
    events = [event_at(at) for _ in range(5)] + [event_at(at + timedelta(seconds=1))]
    wanted = [event.pk for event in sorted(events, key=lambda e: (e.received_at, e.pk))][::-1]
    with CaptureQueriesContext(connection) as captured:
        lines = export.csv_lines(WebhookEvent.objects.all())
        next(lines)
        assert first_cell(next(lines)) == wanted[0]
        assert len(of_events(captured)) == 1
        assert [first_cell(line) for line in lines] == wanted[1:]
    statements = of_events(captured)
    assert all("LIMIT 2" in statement for statement in statements)
    assert "OFFSET" not in statements[-1]


def test_an_export_is_also_streamed_by_asgi_servers(rf):
    for _ in range(3):
        event_at()
    request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": []}, None)
    response = export.streamed(request, iter(["a", "b"]), "text/plain", "x.txt")
    assert response.is_async

    async def collect():
        return [part async for part in response]

    assert asyncio.run(collect()) == [b"ab"]
    assert not export.streamed(rf.get("/"), iter(["a"]), "text/plain", "x.txt").is_async


def test_an_export_is_logged(staff):
    client = staff("view_webhookevent")
    events = [event_at(outcome="failed") for _ in range(3)]
    exported(client, "csv", *events[:2], query="?outcome__exact=failed")
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_repr) == ("staff", "Export as CSV")
    assert entry.change_message == (
        "Exported 2 webhook events; the list was filtered by: outcome__exact=failed"
    )


@pytest.mark.parametrize("file_format", ["csv", "json"])
@pytest.mark.parametrize("codename", [None, "view_settingssnapshot", "delete_webhookevent"])
def test_an_export_requires_the_view_permission(staff, file_format, codename):
    data = {"action": f"export_{file_format}", "_selected_action": [event_at().pk]}
    assert staff(codename).post(EVENTS, data).status_code == 403
    assert not LogEntry.objects.exists()
