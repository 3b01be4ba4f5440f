"""Which rows of the trail are old enough to be deleted: found in batches, the oldest first."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.db import connections
from django.db.models import Exists, Min, OuterRef, Q
from django.db.models.functions import Coalesce

from .base import VWO_RETRIES_FOR, database, ours
from .clock import DatabaseClock
from .event import WebhookEvent
from .flag import Flag
from .kill_switch import KillSwitch
from .lease import RefreshLease
from .outcome import Outcome
from .process import FleetProcess
from .snapshot import SettingsSnapshot
from .text import fitting

BATCH_SIZE = 500
"""Keeps transactions short, and is less than the 999 parameters that SQLite may take."""


class Expired:
    """What this site has kept for long enough at the moment when this object is made.

    ``days`` is as ``app_settings.retention_days`` returns it; the newest ``keep_last`` events stay
    in any case. So does everything of the last hour: VWO may still retry its events, and processes
    that run its snapshots may not have reported that yet.
    """

    def __init__(self, days: Mapping[str, int], keep_last: int = 0) -> None:
        now = DatabaseClock.read(database()).now()
        limits = {
            key: now - max(timedelta(days=number), VWO_RETRIES_FOR) for key, number in days.items()
        }
        self.others_before = limits["default"]
        self.events_before = {
            outcome: limits.get(outcome, limits["default"]) for outcome in Outcome
        }
        newest = WebhookEvent.objects.ours().newest_first()[:keep_last]
        kept_from = newest.aggregate(at=Min("received_at"))["at"] if keep_last else None
        if kept_from is not None:
            self.events_before = {
                outcome: min(limit, kept_from) for outcome, limit in self.events_before.items()
            }

    def events(self, outcome: Outcome) -> Iterator[list[int]]:
        """Yield the ids of expired events with this outcome, a batch at a time.

        Their owner is compared here: if asked for the events of one environment, SQLite would
        choose the index of environments and read all the events of other outcomes.
        """
        rows = WebhookEvent.objects.filter(
            outcome=outcome, received_at__lt=self.events_before[outcome]
        ).only("pk", "received_at", "environment", "key_digest")
        owner = {name: fitting(value, connections[rows.db]) for name, value in ours().items()}
        for batch in rows.in_batches(BATCH_SIZE):
            yield [
                event.pk
                for event in batch
                if {"environment": event.environment, "key_digest": event.key_digest} == owner
            ]

    def snapshots(self) -> Iterator[list[int]]:
        """Yield the ids of expired snapshots, a batch at a time.

        The one in force is kept, and so is one that a process runs, or that an event points to
        which has not expired itself.
        """
        # puts the newest one in force where a restored lease names none
        RefreshLease.objects.read()
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
                created_at__lt=self.others_before,
            )
            .only("pk")
        )
        for batch in rows.in_batches(BATCH_SIZE):
            yield [snapshot.pk for snapshot in batch]

    def kill_switches(self) -> Iterator[list[int]]:
        """Yield the ids of kill switches that ended long ago, a batch at a time.

        One that is in use is kept, however old; so is one of another SDK key, which may come back.
        """
        limit = self.others_before
        rows = (
            KillSwitch.objects.ours()
            .annotate(ended_at=Coalesce("released_at", "until"))
            # the first condition is what an index is read by
            .filter(used_at__lt=limit, ended_at__lt=limit)
            .only("pk", "used_at")
        )
        for batch in rows.in_batches(BATCH_SIZE):
            yield [switch.pk for switch in batch]

    def flags(self) -> Iterator[list[str]]:
        """Yield the ids of flags that were not asked for in that time, a batch at a time."""
        rows = (
            Flag.objects.ours()
            .filter(last_asked_at__lt=self.others_before)
            .only("pk", "last_asked_at")
        )
        for batch in rows.in_batches(BATCH_SIZE):
            yield [flag.pk for flag in batch]
