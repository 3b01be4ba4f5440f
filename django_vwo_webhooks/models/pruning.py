"""Which rows of the trail are old enough to go: found in batches, from the oldest on."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.db.models import Exists, Min, OuterRef, Q
from django.utils import timezone

from .base import ours
from .event import VWO_RETRIES_FOR, Outcome, WebhookEvent
from .process import FleetProcess
from .snapshot import SettingsSnapshot

BATCH = 500
"""Rows a batch: short transactions, and less than the 999 parameters that SQLite may take."""


class Expired:
    """What this site has kept for long enough at the moment when this is made.

    ``days`` is as ``app_settings.retention_days`` gives it; the newest ``keep_last`` events stay
    in any case. So does the last hour: VWO may still repeat its events, and processes may not yet
    have said that they run its snapshots.
    """

    def __init__(self, days: Mapping[str, int], keep_last: int = 0) -> None:
        now = timezone.now()
        before = {
            key: now - max(timedelta(days=number), VWO_RETRIES_FOR) for key, number in days.items()
        }
        self.default = before["default"]
        self.events_before = {outcome: before.get(outcome, self.default) for outcome in Outcome}
        newest = WebhookEvent.objects.ours().order_by("-received_at", "-pk")[:keep_last]
        kept_from = newest.aggregate(at=Min("received_at"))["at"] if keep_last else None
        if kept_from is not None:
            self.events_before = {
                outcome: min(moment, kept_from) for outcome, moment in self.events_before.items()
            }

    def events(self, outcome: Outcome) -> Iterator[list[int]]:
        """The ids of expired events with this outcome, a batch at a time.

        Each batch begins where the last one ended, since deleted rows linger in indexes for a
        while. Whose events they are is compared here: asked for one environment's, SQLite would
        take that index, and look through all that stays of other outcomes.
        """
        rows = (
            WebhookEvent.objects.filter(
                outcome=outcome, received_at__lt=self.events_before[outcome]
            )
            .order_by("received_at", "pk")
            .values_list("pk", "received_at", "environment", "key_digest")
        )
        mine = tuple(ours().values())
        batch = list(rows[:BATCH])
        while batch:
            yield [pk for pk, _at, *whose in batch if tuple(whose) == mine]
            pk, at, *_whose = batch[-1]
            rest = rows.filter(received_at__gte=at).exclude(received_at=at, pk__lte=pk)
            batch = list(rest[:BATCH])

    def snapshots(self) -> Iterator[list[int]]:
        """The ids of expired snapshots, a batch at a time.

        The one in force stays, and so do those that a process runs or an event points to that is
        not expired itself.
        """
        expired = Q(
            *(Q(outcome=outcome, received_at__lt=at) for outcome, at in self.events_before.items()),
            _connector=Q.OR,
        )
        kept_events = WebhookEvent.objects.exclude(expired)
        rows = (
            SettingsSnapshot.objects.ours()
            .with_in_force()
            .filter(
                ~Exists(kept_events.filter(snapshot=OuterRef("pk"))),
                ~Exists(FleetProcess.objects.filter(snapshot=OuterRef("pk"))),
                Q(is_in_force=False),
                created_at__lt=self.default,
            )
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        batch = list(rows[:BATCH])
        while batch:
            yield batch
            batch = list(rows.filter(pk__gt=batch[-1])[:BATCH])
