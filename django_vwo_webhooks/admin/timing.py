"""The steps from the change at VWO to the last process of the fleet."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext, ngettext

from ..models import WebhookEvent
from ..status import fleet_status
from .display import format_duration, format_time


class Step(NamedTuple):
    name: str
    at: datetime | None
    note: str = ""

    @property
    def when(self) -> str:
        return format_time(self.at)


def steps(event: WebhookEvent) -> list[Step]:
    return [
        Step(gettext("Changed at VWO"), event.timestamp),
        Step(gettext("Webhook received"), event.received_at, _delay_note(event)),
        Step(gettext("Last delivery"), event.last_received_at, _deliveries_note(event)),
        Step(gettext("Applied here"), event.finished_at, _refresh_note(event)),
        _applied_everywhere(event),
    ]


def delay_seconds(event: WebhookEvent) -> float | None:
    """The time from the change, which VWO's clock gives in whole seconds, to its arrival."""
    if event.timestamp is None:
        return None
    return (event.received_at - event.timestamp).total_seconds()


def _delay_note(event: WebhookEvent) -> str:
    seconds = delay_seconds(event)
    if seconds is None or seconds < 0:
        return ""
    if seconds < 1:
        return gettext("within a second of the change")
    return gettext("%s after the change") % format_duration(seconds)


def _deliveries_note(event: WebhookEvent) -> str:
    number = event.deliveries
    return ngettext("%d delivery", "%d deliveries", number) % number


def _refresh_note(event: WebhookEvent) -> str:
    if event.refresh_seconds is None:
        return ""
    return gettext("the refresh took %s") % format_duration(event.refresh_seconds)


def _applied_everywhere(event: WebhookEvent) -> Step:
    """Processes report only what they run now, so this is known of the settings in force alone."""
    name = gettext("Applied in all processes")
    if event.outcome != WebhookEvent.Outcome.CHANGED or event.snapshot_id is None:
        return Step(name, None)
    status = fleet_status()
    if status.snapshot is None or status.snapshot.pk != event.snapshot_id:
        return Step(name, None)
    current, alive = len(status.alive) - len(status.behind), len(status.alive)
    note = ngettext("%(current)d of %(alive)d process", "%(current)d of %(alive)d processes", alive)
    note %= {"current": current, "alive": alive}
    slowest = status.slowest_seconds
    if status.behind or slowest is None:
        return Step(name, None, note)
    return Step(name, status.snapshot.created_at + timedelta(seconds=slowest), note)
