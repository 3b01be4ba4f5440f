"""Events as CSV and JSON, streamed: however many there are, a few are in memory at a time."""

import csv
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from ..models import SettingsSnapshot, WebhookEvent

BITE = 100

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
"""What a cell begins with, after any blanks, that some spreadsheet would compute."""


def older_than(event: WebhookEvent) -> Q:
    """What comes after ``event`` in the list, as the index by time finds it."""
    at = event.received_at
    return Q(received_at__lte=at) & (Q(received_at__lt=at) | Q(pk__lt=event.pk))


def newer_than(event: WebhookEvent) -> Q:
    at = event.received_at
    return Q(received_at__gte=at) & (Q(received_at__gt=at) | Q(pk__gt=event.pk))


def in_bites(events: QuerySet[Any]) -> Iterator[WebhookEvent]:
    """All events, newest first, by short statements.

    One long cursor would keep SQLite locked for writers, that is for webhooks, for as long as a
    slow client reads; and MySQL's driver would fetch all of it into memory.
    """
    snapshots = SettingsSnapshot.objects.only("pk", "headline", "change_count", "changes")
    events = events.order_by("-received_at", "-pk").prefetch_related(None)
    events = events.prefetch_related(Prefetch("snapshot", queryset=snapshots))
    bite = list(events[:BITE])
    while bite:
        yield from bite
        bite = list(events.filter(older_than(bite[-1]))[:BITE])


def record(event: WebhookEvent) -> dict[str, Any]:
    """An event as JSON has it, with its payload and the changes that it brought."""
    changed = event.outcome == WebhookEvent.Outcome.CHANGED and event.snapshot
    return {
        **{name: getattr(event, name) for name in COLUMNS},
        "payload": event.payload,
        "changes": event.snapshot.changes if changed and event.snapshot else [],
    }


def as_json(events: QuerySet[Any]) -> Iterator[str]:
    before = "["
    for event in in_bites(events.defer(None)):
        yield before + "\n" + json.dumps(record(event), cls=DjangoJSONEncoder)
        before = ","
    yield "\n]\n" if before == "," else "[]\n"


class _Line:
    def write(self, text: str) -> str:
        return text


def as_csv(events: QuerySet[Any]) -> Iterator[str]:
    """A line an event; what has no cell of its own, the payload and all changes, has JSON."""
    writer = csv.writer(_Line())
    yield writer.writerow([*COLUMNS, "first_change", "changes"])
    for event in in_bites(events):
        changed = event.outcome == WebhookEvent.Outcome.CHANGED and event.snapshot
        news = (
            [event.snapshot.headline, event.snapshot.change_count]
            if changed and event.snapshot
            else ["", 0]
        )
        yield writer.writerow(
            _cell(value) for value in [*(getattr(event, name) for name in COLUMNS), *news]
        )


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value.isoformat() if hasattr(value, "isoformat") else value
    text = value.encode("utf-8", "backslashreplace").decode()
    begins_blank = text[:1] in ("\t", "\r", "\n")
    return f"'{text}" if begins_blank or text.lstrip().startswith(FORMULA) else text


def streamed(
    request: HttpRequest, parts: Iterable[str], kind: str, name: str
) -> StreamingHttpResponse:
    bites = _joined(iter(parts))
    return StreamingHttpResponse(
        # an ASGI server would collect what is not asynchronous, all of it
        _async(bites) if isinstance(request, ASGIRequest) else bites,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _joined(parts: Iterator[str]) -> Iterator[str]:
    while bite := "".join(islice(parts, BITE)):
        yield bite


async def _async(bites: Iterator[str]) -> AsyncIterator[str]:
    while bite := await sync_to_async(next)(bites, ""):  # type: ignore[call-arg]
        yield bite
