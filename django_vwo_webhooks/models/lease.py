"""The lease that makes sure that one process of the fleet at a time fetches from VWO.

Its clock is the database's. It is taken by compare-and-swap on the flight number, and no
transaction is open while the holder talks to VWO.
"""

from dataclasses import dataclass, replace
from math import inf

from django.db import models
from django.db.models import F
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from ..conf import app_settings
from .base import Owned, OwnedQuerySet, PrimaryManager, UnixNow, ours
from .statements import Statement

LEASE_GRACE_SECONDS = 2.0
"""How much longer than the refresh limit a lease lives: time to store what was fetched."""

LONGEST_BREATHER_SECONDS = 5.0


def lease_seconds() -> float:
    """How long a flight may hold the lease before the next one may start."""
    return app_settings.refresh_timeout_seconds + LEASE_GRACE_SECONDS


@dataclass(frozen=True)
class LeaseState:
    """What one look at the lease, the newest snapshot and perhaps an event shows."""

    pk: int
    flight: int
    """The number of the newest flight that started, 0 before the first."""
    succeeded_flight: int
    """The number of the newest flight that succeeded, 0 before the first."""
    busy_seconds: float
    """How long the running flight may still take; 0 or less where none is under way."""
    breather_seconds: float
    """How long deliveries should not ask VWO; 0 or less where they may."""
    looked_seconds: float
    """How long ago a look at VWO last succeeded, infinite before the first."""
    failing_seconds: float | None
    """How long ago the first of the newest failures was; None after a success."""
    error: str
    """Why the newest flight failed; empty when it did not."""
    snapshot_id: int | None
    digest: str | None
    noted: int
    """The flight number that the caller noted: a later flight serves it."""

    @property
    def busy(self) -> bool:
        # a lease that ends later than any may was taken before the clock was set back
        return 0 < self.busy_seconds <= lease_seconds()

    @property
    def flown_seconds(self) -> float:
        """How long the running flight has been under way; 0 where none is."""
        return max(0.0, lease_seconds() - self.busy_seconds) if self.busy else 0.0

    @property
    def taking_a_breath(self) -> bool:
        return 0 < self.breather_seconds <= LONGEST_BREATHER_SECONDS

    @property
    def failing(self) -> bool:
        """Whether the newest flight that ended has failed."""
        return self.failing_seconds is not None

    def serves(self, noted: int) -> bool:
        """Whether a flight that started after ``noted`` was noted has brought its snapshot."""
        return self.succeeded_flight > noted and self.snapshot_id is not None


LOOK = Statement("""
    SELECT
        lease.id, lease.flight, lease.succeeded_flight,
        lease.lease_until - {now}, lease.retry_at - {now},
        {now} - lease.looked_at, {now} - lease.failing_since, lease.error,
        snapshot.id, snapshot.digest,
        COALESCE((SELECT last_flight FROM {event} WHERE id = %(event)s), lease.flight)
    FROM {lease} lease
    LEFT JOIN {snapshot} snapshot ON snapshot.id = (
        SELECT MAX(id) FROM {snapshot}
        WHERE environment = %(environment)s AND key_digest = %(key_digest)s
    )
    WHERE lease.environment = %(environment)s AND lease.key_digest = %(key_digest)s
""")

START = Statement("""
    UPDATE {lease}
    SET flight = %(flight)s, lease_until = {now} + %(life)s
    WHERE id = %(id)s AND flight = %(flight)s - 1 AND succeeded_flight = %(succeeded)s
        AND (lease_until <= {now} OR lease_until > {now} + %(life)s)
""")

LAND = Statement("""
    UPDATE {lease}
    SET lease_until = 0, succeeded_flight = %(flight)s, looked_at = {now},
        failures = 0, failing_since = NULL, retry_at = 0, error = ''
    WHERE id = %(id)s AND flight = %(flight)s
""")


class RefreshLeaseQuerySet(OwnedQuerySet["RefreshLease"]):
    def newest_flight(self) -> RawSQL:
        """The newest flight's number, to be read inside the statement that logs a delivery."""
        mine = ours()
        return RawSQL(
            "COALESCE((SELECT flight FROM django_vwo_webhooks_refreshlease"
            " WHERE environment = %s AND key_digest = %s), 0)",
            [mine["environment"], mine["key_digest"]],
            output_field=models.BigIntegerField(),
        )

    def look(self, event: int | None = None) -> LeaseState:
        """The state of this site's lease, in one statement; the first look ever makes its row.

        ``event`` is the id of the event whose newest delivery noted a flight number; without it
        the newest one is noted now.
        """
        row = LOOK.row(self.db, event=event, **ours())
        if row is None:
            self.bulk_create([self.model(**ours())], ignore_conflicts=True)
            return self.look(event)
        state = LeaseState(*row)
        return state if state.looked_seconds is not None else replace(state, looked_seconds=inf)

    def start(self, seen: LeaseState) -> int | None:
        """Start the flight that follows ``seen``: its number, or None when another was faster."""
        flight = seen.flight + 1
        started = START.run(
            self.db,
            id=seen.pk,
            flight=flight,
            # or the snapshot that was seen is the newest no more
            succeeded=seen.succeeded_flight,
            life=lease_seconds(),
        )
        return flight if started else None

    def land(self, pk: int, flight: int) -> bool:
        """Release the lease after a good flight; False when a newer flight has started since."""
        return bool(LAND.run(self.db, id=pk, flight=flight))

    def crash(self, pk: int, flight: int, error: str, *, breather: bool) -> bool:
        """Release the lease after a failed flight; a breather grows with each failure."""
        seconds = models.Case(
            models.When(failures=0, then=0.5),
            models.When(failures=1, then=1.0),
            models.When(failures=2, then=2.0),
            models.When(failures=3, then=4.0),
            default=LONGEST_BREATHER_SECONDS,
            output_field=models.FloatField(),
        )
        return bool(
            self.filter(pk=pk, flight=flight).update(
                lease_until=0,
                retry_at=UnixNow() + seconds if breather else 0,
                failing_since=Coalesce("failing_since", UnixNow()),
                failures=F("failures") + 1,
                error=error,
            )
        )


class RefreshLease(Owned):
    """One row an environment and SDK key. Its moments are Unix seconds of the database's clock."""

    flight = models.BigIntegerField(default=0)
    succeeded_flight = models.BigIntegerField(default=0)
    lease_until = models.FloatField(default=0)
    retry_at = models.FloatField(default=0)
    looked_at = models.FloatField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.FloatField(null=True)
    error = models.TextField(default="")

    objects = PrimaryManager.from_queryset(RefreshLeaseQuerySet)()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["environment", "key_digest"], name="vwo_lease_one_each")
        ]

    def __str__(self) -> str:
        return f"{self.environment}, flight {self.flight}"
