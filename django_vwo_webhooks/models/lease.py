"""The lease that lets one attempt of the whole fleet run at a time.

Its clock is the database's. No transaction is open while the holder waits for VWO.
"""

import time
from math import inf
from typing import NamedTuple

from django.db import connections, models
from django.db.models import F
from django.db.models.functions import Coalesce

from ..conf import app_settings
from ..connections import reconnected
from .base import Owned, OwnedQuerySet, PrimaryManager, ours
from .clock import DatabaseClock, UnixNow
from .snapshot import SettingsSnapshot
from .statements import Statement
from .text import CharField, TextField

LEASE_GRACE_SECONDS = 2.0
"""How much longer than the refresh limit a lease lives: time to store what was fetched."""

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 4.0, 5.0)
"""How long deliveries do not ask VWO after the first, second, … failed attempt in a row."""


class LeaseState(NamedTuple):
    """The lease row as it was read. Durations are in seconds of the database's clock."""

    pk: int
    attempt: int
    """The number of the newest attempt that started, 0 before the first."""
    succeeded_attempt: int
    """The number of the newest attempt that succeeded, 0 before the first."""
    remaining_seconds: float
    """How long the lease is still held; 0 or less where it is free."""
    life_seconds: float
    """How long its holder may keep it in all."""
    backoff_seconds: float
    """How long deliveries should not ask VWO; 0 or less where they may."""
    refreshed_seconds: float
    """How long ago the newest attempt succeeded; infinite before the first."""
    failing_seconds: float | None
    """How long ago the first failure since the last success was; None after a success."""
    error: str
    """Why the newest attempt failed; empty when it succeeded."""
    snapshot_id: int | None
    """The number of the snapshot that is in force; None before the first."""
    digest: str
    """Its digest."""
    kill_switch_version: int
    """How many times a kill switch was used, was released, or ended."""
    clock: DatabaseClock
    """The database's clock, read by the same statement."""

    @property
    def busy(self) -> bool:
        """Whether an attempt is under way."""
        # one that ends later than any can was taken before the clock was set back
        return 0 < self.remaining_seconds <= self.life_seconds

    @property
    def running_seconds(self) -> float:
        """How long the attempt has been under way; 0 where none is."""
        return self.life_seconds - self.remaining_seconds if self.busy else 0.0

    @property
    def backing_off(self) -> bool:
        return 0 < self.backoff_seconds <= BACKOFF_SECONDS[-1]

    @property
    def failing(self) -> bool:
        """Whether the newest attempt that ended has failed."""
        return self.failing_seconds is not None

    def serves(self, noted: int) -> bool:
        """Whether an attempt has succeeded that started after ``noted`` was the newest one."""
        return self.succeeded_attempt > noted and self.snapshot_id is not None


READ = """
    SELECT id AS pk, attempt, succeeded_attempt, expires_at - {now} AS remaining_seconds,
        life_seconds, backoff_until - {now} AS backoff_seconds,
        {now} - refreshed_at AS refreshed_seconds, {now} - failing_since AS failing_seconds,
        error, snapshot_id, digest, kill_switch_version, {started} AS unix_seconds
    FROM {lease}
    WHERE environment = %(environment)s AND key_digest = %(key_digest)s
"""
READ_ROW = Statement(READ)
LOCK_ROW = Statement(READ + "{for_update}")

WRITE_ROW = Statement("""
    UPDATE {lease} SET attempt = attempt
    WHERE environment = %(environment)s AND key_digest = %(key_digest)s
""")

START = Statement("""
    UPDATE {lease}
    SET attempt = attempt + 1, expires_at = {now} + %(life)s, life_seconds = %(life)s
    WHERE id = %(pk)s AND attempt = %(attempt)s AND succeeded_attempt = %(succeeded_attempt)s
        AND (expires_at <= {now} OR expires_at > {now} + life_seconds)
""")

SUCCEED = Statement("""
    UPDATE {lease}
    SET expires_at = 0, succeeded_attempt = %(attempt)s, refreshed_at = {now},
        failures = 0, failing_since = NULL, backoff_until = 0, error = ''
    WHERE id = %(pk)s AND attempt = %(attempt)s
""")


class RefreshLeaseQuerySet(OwnedQuerySet["RefreshLease"]):
    def read(self) -> LeaseState:
        """The lease as it is now; its row is made on first use."""
        return reconnected(self.db, lambda: self._state(READ_ROW))

    def lock(self) -> LeaseState:
        """The lease as it is now, and nobody else's to write until the transaction ends.

        Every transaction that writes events or the lease begins with this, so that none can
        deadlock, and none overlooks a row that another one has just written.
        """
        if not connections[self.db].features.has_select_for_update:
            # SQLite would let two transactions read, and then refuse the second one's write
            WRITE_ROW.run(self.db, **ours())
        return self._state(LOCK_ROW)

    def start(self, seen: LeaseState) -> LeaseState | None:
        """Take the lease for the attempt that follows ``seen``.

        Returns the state with that attempt's number, or None when the lease has changed since.
        """
        life = app_settings.refresh_timeout_seconds + LEASE_GRACE_SECONDS
        started = START.run(
            self.db,
            pk=seen.pk,
            attempt=seen.attempt,
            # or another snapshot than the one that was seen may be in force
            succeeded_attempt=seen.succeeded_attempt,
            life=life,
        )
        if not started:
            return None
        return seen._replace(attempt=seen.attempt + 1, remaining_seconds=life, life_seconds=life)

    def succeed(self, attempt: LeaseState) -> bool:
        """Release the lease after a success; False when a newer attempt has started since."""
        return bool(SUCCEED.run(self.db, pk=attempt.pk, attempt=attempt.attempt))

    def put_in_force(self, attempt: LeaseState, snapshot: SettingsSnapshot) -> None:
        """Name the snapshot that every process is to apply."""
        self.filter(pk=attempt.pk).update(snapshot=snapshot, digest=snapshot.digest)

    def raise_kill_switch_version(self) -> None:
        """Let each process read the kill switches at its next look, whatever its SDK key is."""
        rows = self.filter(environment=app_settings.environment)
        rows.update(kill_switch_version=F("kill_switch_version") + 1)

    def fail(self, attempt: LeaseState, error: str) -> bool:
        """Release the lease after a failure, and let deliveries back off for a while.

        False when a newer attempt has started since.
        """
        backoff = models.Case(
            *(
                models.When(failures=number, then=seconds)
                for number, seconds in enumerate(BACKOFF_SECONDS[:-1])
            ),
            default=BACKOFF_SECONDS[-1],
            output_field=models.FloatField(),
        )
        return bool(
            self.filter(pk=attempt.pk, attempt=attempt.attempt).update(
                expires_at=0,
                backoff_until=UnixNow() + backoff,
                failing_since=Coalesce("failing_since", UnixNow()),
                failures=F("failures") + 1,
                error=error,
            )
        )

    def _state(self, statement: Statement) -> LeaseState:
        connections[self.db].ensure_connection()
        began_at = time.monotonic()
        row = statement.row(self.db, **ours())
        if row is None:
            self.bulk_create([self.model(**ours())], ignore_conflicts=True)
            return self._state(statement)
        if row["snapshot_id"] is None and self._name_newest_snapshot():
            return self._state(statement)
        if row["refreshed_seconds"] is None:
            row["refreshed_seconds"] = inf
        row["clock"] = DatabaseClock(row.pop("unix_seconds"), began_at)
        return LeaseState(**row)

    def _name_newest_snapshot(self) -> bool:
        """Put the newest snapshot that is there in force, where the lease names none any more.

        As after a restore that left the lease out: the last known good settings are better than
        none while VWO can't be reached.
        """
        newest = SettingsSnapshot.objects.ours().only("digest").first()
        return newest is not None and bool(
            self.ours().filter(snapshot=None).update(snapshot=newest, digest=newest.digest)
        )


class RefreshLease(Owned):
    """One row for each environment and SDK key. Its times are Unix seconds of the database."""

    attempt = models.BigIntegerField(default=0)
    succeeded_attempt = models.BigIntegerField(default=0)
    expires_at = models.FloatField(default=0)
    life_seconds = models.FloatField(default=0)
    backoff_until = models.FloatField(default=0)
    refreshed_at = models.FloatField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.FloatField(null=True)
    error = TextField(default="")
    snapshot = models.ForeignKey(
        SettingsSnapshot, on_delete=models.SET_NULL, null=True, related_name="leases"
    )
    digest = CharField(max_length=64, default="")
    kill_switch_version = models.BigIntegerField(default=0)

    objects = PrimaryManager.from_queryset(RefreshLeaseQuerySet)()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["environment", "key_digest"], name="vwo_lease_one_each")
        ]

    def __str__(self) -> str:
        return f"{self.environment}, attempt {self.attempt}"
