"""How deliveries become rows of events, and how an attempt gives them an outcome."""

import hashlib
import json
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models
from django.db.models import Case, F, Value, When

from .base import VWO_RETRIES_FOR, OwnedQuerySet, ours
from .lease import LeaseState, RefreshLease
from .outcome import Outcome
from .snapshot import SettingsSnapshot
from .statements import Statement, datetime_value
from .text import CharField, TextField

if TYPE_CHECKING:
    from .event import WebhookEvent

OPEN_FOR = VWO_RETRIES_FOR + timedelta(minutes=5)
"""After this time without a success a row is closed as failed; no retry will come any more."""


NOT_CHANGED = (Outcome.PENDING, Outcome.UNCHANGED, Outcome.FAILED)
"""The outcomes that a failure replaces; a row that was changed stays so."""


class Recorded(NamedTuple):
    """A delivery that was logged, and what the same transaction found or did with the lease."""

    event: "WebhookEvent"
    is_new: bool
    """Whether it began a row."""
    noted: int
    """The number of the newest attempt then: one with a greater number serves the delivery."""
    lease: LeaseState
    started: bool
    """Whether the lease was taken for an attempt that this delivery is to run."""


FIND_OPEN = Statement("""
    SELECT id AS pk, received_at < %(limit)s AS is_overdue
    FROM {event} WHERE fingerprint = %(fingerprint)s
""")

SERVE = Statement("""
    UPDATE {event}
    SET snapshot_id = CASE WHEN outcome <> %(kept)s THEN %(snapshot)s ELSE snapshot_id END,
        refresh_seconds = CASE
            WHEN outcome <> %(kept)s THEN %(seconds)s ELSE refresh_seconds
        END,
        outcome = CASE WHEN outcome <> %(kept)s THEN %(outcome)s ELSE outcome END,
        error = '',
        finished_at = CASE WHEN last_noted < %(attempt)s THEN %(at)s ELSE finished_at END,
        fingerprint = CASE
            WHEN last_noted < %(attempt)s AND NOT retry_expected THEN NULL ELSE fingerprint
        END
    WHERE environment = %(environment)s AND key_digest = %(key_digest)s
        AND finished_at IS NULL AND first_noted < %(attempt)s
""")
# MySQL computes the columns from left to right, and later ones see what earlier ones became


class WebhookEventQuerySet(OwnedQuerySet["WebhookEvent"]):
    def record(self, *, may_start: bool, **values: Any) -> Recorded:
        """Log one delivery, inside a transaction, and take the lease for it if that is free.

        ``may_start`` permits to take the lease. An identical delivery joins the open row. A row
        is open until an attempt has served all of its deliveries and no retry is expected; the
        unique fingerprint is NULL in closed rows.
        """
        began_at = time.monotonic()
        lease = RefreshLease.objects.lock()
        now = lease.clock.at(began_at)
        noted = lease.attempt
        fingerprint = _fingerprint(values["payload"])
        pk = self._find_open(fingerprint, now)
        # answered 503 at once while deliveries back off, so VWO will retry it
        arrived = {
            "last_received_at": now,
            "last_noted": noted,
            "retry_expected": lease.backing_off,
        }
        if pk is None:
            event = self.model(
                **ours(),
                **values,
                **arrived,
                fingerprint=fingerprint,
                received_at=now,
                first_noted=noted,
            )
            if lease.backing_off:
                event.outcome, event.error = Outcome.FAILED, lease.error
            event.save(force_insert=True, using=self.db)
        else:
            event = self.model(pk=pk)
            self.filter(pk=pk).update(
                **arrived,
                **(_failed(lease.error, *NOT_CHANGED) if lease.backing_off else {}),
                deliveries=F("deliveries") + 1,
                finished_at=None,
                credential=values.get("credential", ""),
            )
        started = None
        if may_start and not lease.busy and not lease.backing_off:
            started = RefreshLease.objects.start(lease)
        return Recorded(event, pk is None, noted, started or lease, started is not None)

    def expect_retry(self, pk: int, noted: int, error: str) -> LeaseState | None:
        """Note, inside a transaction, that a delivery is answered 503, and why.

        VWO will retry it, so its row stays open. Returns the lease's state instead, and changes
        nothing, when an attempt has served the delivery after all.
        """
        lease = RefreshLease.objects.lock()
        if lease.serves(noted):
            return lease
        self.filter(pk=pk).update(retry_expected=True, **_failed(error, *NOT_CHANGED))
        return None

    def waiting_for(self, attempt: int) -> "WebhookEventQuerySet":
        """The unfinished rows of which a delivery arrived before ``attempt`` started."""
        return self.ours().filter(finished_at=None, first_noted__lt=attempt)

    def finished_by(self, attempt: int) -> "WebhookEventQuerySet":
        """The unfinished rows that ``attempt`` finishes if it succeeds."""
        return self.ours().filter(finished_at=None, last_noted__lt=attempt)

    def serve(
        self,
        attempt: int,
        snapshot: SettingsSnapshot,
        *,
        changed: bool,
        seconds: float,
        at: datetime,
    ) -> int:
        """Give the outcome of a successful attempt to every row that it serves.

        Rows of which all deliveries arrived before it started are finished, and closed unless a
        retry is expected. A row that was ``changed`` before stays so, with the snapshot of then,
        unless there is another change. Returns the number of rows.
        """
        return SERVE.run(
            self.db,
            attempt=attempt,
            snapshot=snapshot.pk,
            outcome=(Outcome.CHANGED if changed else Outcome.UNCHANGED).value,
            kept="" if changed else Outcome.CHANGED.value,
            seconds=seconds,
            at=datetime_value(self.db, at),
            **ours(),
        )

    def fail(self, attempt: int, error: str) -> int:
        """Give the reason of a failed attempt to every row that waited for it.

        Their deliveries are answered 503, so VWO will retry them.
        """
        return self.waiting_for(attempt).update(retry_expected=True, **_failed(error, *NOT_CHANGED))

    def close_overdue(self, now: datetime) -> int:
        """Close the rows, of every environment, that VWO will not retry any more.

        ``now`` is by the database's clock. Those that no attempt has served failed; a success
        later still finishes those of its own environment and SDK key. Returns the number of rows
        that were closed.
        """
        overdue = self.exclude(fingerprint=None).filter(received_at__lt=now - OPEN_FOR)
        error = "No refresh succeeded while VWO retried it for an hour."
        return overdue.update(
            fingerprint=None, retry_expected=False, **_failed(error, Outcome.PENDING)
        )

    def _find_open(self, fingerprint: str, now: datetime) -> int | None:
        limit = datetime_value(self.db, now - OPEN_FOR)
        row = FIND_OPEN.row(self.db, fingerprint=fingerprint, limit=limit)
        if row is None:
            return None
        if row["is_overdue"]:
            self.close_overdue(now)
            return None
        return int(row["pk"])

    keyset = ("received_at", "pk")

    def delivered_between(self, start: Any, end: Any) -> "WebhookEventQuerySet":
        """The events of which a delivery arrived between two times, which may be expressions."""
        return self.delivered_since(start).filter(received_at__lte=end)

    def delivered_since(self, start: Any) -> "WebhookEventQuerySet":
        """The events of which a delivery arrived at that time or later; it may be an expression."""
        # an event is retried for that long, which bounds the part of the index that is read
        return self.filter(received_at__gte=start - VWO_RETRIES_FOR, last_received_at__gte=start)


def _failed(error: str, *undecided: Outcome) -> dict[str, Case]:
    """What to update where no attempt served: the outcome, and why, of rows that have none yet."""
    rows = models.Q(outcome__in=undecided)
    # MySQL computes the columns in this order, and the second one must see the old outcome
    return {
        "error": Case(
            When(rows, then=Value(error, TextField())), default="error", output_field=TextField()
        ),
        "outcome": Case(
            When(rows, then=Value(Outcome.FAILED)),
            default="outcome",
            output_field=CharField(),
        ),
    }


def _fingerprint(payload: dict[str, Any]) -> str:
    """Equal for deliveries that may be retries of each other: 64 hex digits of owner and body."""
    owner = ours()
    body = json.dumps(payload, sort_keys=True)
    text = f"{owner['environment']}\0{owner['key_digest']}\0{body}"
    return hashlib.sha256(text.encode()).hexdigest()
