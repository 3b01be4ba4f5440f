"""From the change at VWO to the last process of the fleet, step by step."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext, ngettext

from ..models import WebhookEvent
from ..status import fleet_status
from .words import duration, moment


@dataclass(frozen=True)
class Step:
    name: str
    at: datetime | None
    note: str = ""

    @property
    def when(self) -> str:
        return moment(self.at)


def steps(event: WebhookEvent) -> list[Step]:
    return [
        Step(gettext("Changed at VWO"), event.timestamp),
        Step(gettext("Webhook received"), event.received_at, _after(event.timestamp, event)),
        Step(gettext("Last delivered"), event.last_received_at, _deliveries(event)),
        Step(gettext("Fresh here"), event.finished_at, _refresh(event)),
        _fleet(event),
    ]


def delay(event: WebhookEvent) -> float | None:
    """Seconds from the change, by VWO's clock in whole ones, to its arrival."""
    if event.timestamp is None:
        return None
    return (event.received_at - event.timestamp).total_seconds()


def _after(changed: datetime | None, event: WebhookEvent) -> str:
    seconds = delay(event)
    if seconds is None or seconds < 0:
        return ""
    if seconds < 1:
        return gettext("within a second of the change")
    return gettext("%s after the change") % duration(seconds)


def _deliveries(event: WebhookEvent) -> str:
    number = event.deliveries
    return ngettext("%d delivery", "%d deliveries", number) % number


def _refresh(event: WebhookEvent) -> str:
    if event.refresh_seconds is None:
        return ""
    return gettext("the refresh took %s") % duration(event.refresh_seconds)


def _fleet(event: WebhookEvent) -> Step:
    """Processes only say what they run now, so this is known of the newest settings alone."""
    name = gettext("Fresh in the whole fleet")
    if event.outcome != WebhookEvent.Outcome.CHANGED or event.snapshot_id is None:
        return Step(name, None)
    status = fleet_status()
    if status.snapshot is None or status.snapshot.pk != event.snapshot_id:
        return Step(name, None)
    current, alive = len(status.alive) - len(status.behind), len(status.alive)
    said = ngettext("%(current)d of %(alive)d process", "%(current)d of %(alive)d processes", alive)
    said %= {"current": current, "alive": alive}
    slowest = status.slowest_seconds
    if status.behind or slowest is None:
        return Step(name, None, said)
    return Step(name, status.snapshot.created_at + timedelta(seconds=slowest), said)
