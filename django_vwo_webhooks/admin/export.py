"""Events as CSV and JSON, streamed: of any number of events, a few are in memory at a time."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation
from django.utils.translation import get_language

from ..models import SettingsSnapshot, WebhookEvent

BATCH_SIZE = 100
"""How many events are fetched by one statement and sent in one chunk."""

COLUMNS = [
    "id",
    "received_at",
    "timestamp",
    "last_received_at",
    "deliveries",
    "finished_at",
    "refresh_seconds",
    "environment",
    "event",
    "action",
    "triggered_by",
    "remote_addr",
    "credential",
    "outcome",
    "error",
    "snapshot_id",
]

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""If a cell begins with one of these, after any blanks, some spreadsheet would compute it."""


def event_as_json(event: WebhookEvent) -> dict[str, Any]:
    """An event with its payload and the changes that it brought, as data and in words."""
    snapshot = _changed_by(event)
    return {
        **{name: getattr(event, name) for name in COLUMNS},
        "payload": event.payload,
        "changes": snapshot.changes if snapshot else [],
    }


def json_lines(events: QuerySet[Any]) -> Iterator[str]:
    """The lines of one JSON array, an event on each."""
    separator = "["
    for event in _newest_first(events.defer(None)):
        yield separator + "\n" + json.dumps(event_as_json(event), cls=DjangoJSONEncoder)
        separator = ","
    yield "\n]\n" if separator == "," else "[]\n"


def csv_lines(events: QuerySet[Any]) -> Iterator[str]:
    """A line per event. The payload and all changes, which fit into no cell, are in the JSON."""
    yield _csv_line([*COLUMNS, "first_change", "changes"])
    for event in _newest_first(events):
        yield csv_line(event)


def csv_line(event: WebhookEvent) -> str:
    snapshot = _changed_by(event)
    changes = [snapshot.first_change, snapshot.change_count] if snapshot else ["", 0]
    return _csv_line(
        [_cell(value) for value in [*(getattr(event, name) for name in COLUMNS), *changes]]
    )


def streamed(
    request: HttpRequest, lines: Iterable[str], content_type: str, filename: str
) -> StreamingHttpResponse:
    chunks = _chunks(iter(lines), get_language())
    return StreamingHttpResponse(
        # a synchronous iterator would be read into memory as a whole by an ASGI server
        _async(chunks) if isinstance(request, ASGIRequest) else chunks,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


def _newest_first(events: QuerySet[Any]) -> Iterator[WebhookEvent]:
    snapshots = SettingsSnapshot.objects.only("pk", "headline", "change_count", "changes")
    rows: Any = events.prefetch_related(None).prefetch_related(
        Prefetch("snapshot", queryset=snapshots)
    )
    for batch in rows.in_batches(BATCH_SIZE, newest_first=True):
        yield from batch


def _changed_by(event: WebhookEvent) -> SettingsSnapshot | None:
    """The snapshot that the event brought, None where it changed nothing."""
    return event.snapshot if event.outcome == WebhookEvent.Outcome.CHANGED else None


def _csv_line(cells: list[Any]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value.isoformat() if hasattr(value, "isoformat") else value
    text = value.encode("utf-8", "backslashreplace").decode()
    begins_blank = text[:1] in ("\t", "\r", "\n")
    return f"'{text}" if begins_blank or text.lstrip().startswith(FORMULA) else text


def _chunks(lines: Iterator[str], language: str | None) -> Iterator[str]:
    """``language`` is the reader's: while an answer is streamed, another one may be active."""
    while True:
        with translation.override(language):
            chunk = "".join(islice(lines, BATCH_SIZE))
        if not chunk:
            return
        yield chunk


async def _async(chunks: Iterator[str]) -> AsyncIterator[str]:
    while chunk := await sync_to_async(next)(chunks, ""):  # type: ignore[call-arg]
        yield chunk
