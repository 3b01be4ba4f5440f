"""One flight: fetch from VWO, validate, build, store, put in force here, tell the others."""

import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.db import Error, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.dispatch import Signal
from django.utils import timezone

from ..broadcast import publish
from ..changes import compare
from ..conf import app_settings
from ..exceptions import FetchFailed, RefreshFailed, Superseded
from ..models import LeaseState, RefreshLease, SettingsSnapshot, WebhookEvent
from ..signals import refresh_failed, settings_applied, settings_refreshed

if TYPE_CHECKING:
    from ..sdk import Fetched

logger = logging.getLogger("django_vwo_webhooks")

PATIENCE_SECONDS = 1.0
"""How long, from its start, to wait for a flight that began too early to serve."""

STORE_SECONDS = 0.25
"""What is kept of the time limit for storing and answering."""


@dataclass(frozen=True)
class Clock:
    """When an answer is due, on the monotonic clock."""

    patience: float
    deadline: float

    @classmethod
    def starting(cls, at: float | None = None) -> "Clock":
        """Started ``at`` a moment of ``time.monotonic()``, now by default."""
        at = time.monotonic() if at is None else at
        deadline = at + app_settings.refresh_timeout_seconds + PATIENCE_SECONDS - STORE_SECONDS
        return cls(min(at + PATIENCE_SECONDS, deadline), deadline)

    def knowing(self, seen: LeaseState) -> "Clock":
        """The same, with no patience for a flight that is slow, or that follows one that failed.

        In a storm of repeats each who waited would hold a thread that visitors need.
        """
        age = PATIENCE_SECONDS if seen.failing else seen.flown_seconds
        return replace(self, patience=min(self.patience, time.monotonic() + PATIENCE_SECONDS - age))

    def remaining(self, *, serves: bool) -> float:
        """How long to wait for a flight that serves the caller, or for one that does not."""
        return (self.deadline if serves else self.patience) - time.monotonic()


@dataclass(frozen=True)
class Landing:
    """A flight that succeeded and serves the caller."""

    flight: int
    snapshot: SettingsSnapshot
    landed_at: datetime | None = None
    """When it was stored; None where another process flew."""
    changes: list[dict[str, Any]] | None = None
    """What changed, or None where nothing did or another process flew."""
    applied: SettingsSnapshot | None = None
    """What was put in force in this process, None where it was there already."""


def apply(snapshot_id: int | None, digest: str | None, built: Any = None) -> Any:
    """Put the newest snapshot into this process's client unless it is there already.

    ``snapshot_id`` and ``digest`` are the newest's as far as the caller knows; ``built`` may be a
    client that was built from it just now. Returns what was applied, for ``tell_applied``, or None.
    """
    sdk = _sdk()
    return None if sdk.client().runs(snapshot_id, digest) else sdk.apply_newest(built)


def tell_applied(snapshot: SettingsSnapshot | None) -> None:
    """Tell ``settings_applied`` of what ``apply`` returned."""
    if snapshot is not None:
        client = _sdk().client()
        tell(settings_applied, sender=SettingsSnapshot, snapshot=snapshot, client=client)


def in_force_here() -> tuple[int | None, datetime | None]:
    """The number of the snapshot that this process's client runs, and since when."""
    client = _sdk().client()
    return client.snapshot_id, client.applied_at


def fly(state: LeaseState, flight: int, cause: str, clock: Clock) -> Landing:
    """Fetch, validate, build beside the living client, store, swap in."""
    sdk = _sdk()
    started = time.monotonic()
    built = None
    changes = None
    try:
        limit = min(app_settings.refresh_timeout_seconds, clock.remaining(serves=True))
        fetched = sdk.fetch(limit)
        snapshot = in_force(state)
        if fetched.digest != state.digest:
            built = sdk.build(sdk.validate(fetched.document))
            snapshot, changes = _new_snapshot(state, fetched, cause)
        landed_at = timezone.now()
        _land(state, flight, snapshot, time.monotonic() - started, landed_at)
    except RefreshFailed as failure:
        _crash(state, flight, failure)
        raise
    except Exception as error:
        logger.exception("The refresh of VWO's settings met an unexpected error.")
        unexpected = RefreshFailed(f"{type(error).__name__} while refreshing; the log says more.")
        _crash(state, flight, unexpected)
        raise unexpected from error
    if built is not None:
        built.snapshot_id = snapshot.pk
    landing = Landing(flight, snapshot, landed_at, changes)
    try:
        return replace(landing, applied=apply(snapshot.pk, snapshot.digest, built))
    except Exception:
        announce(landing)  # it is stored, and the others can have it all the same
        raise


def in_force(state: LeaseState) -> SettingsSnapshot:
    """The newest snapshot as ``state`` saw it; its columns are loaded when they are asked for."""
    return SettingsSnapshot.from_db(database(), ["id", "digest"], [state.snapshot_id, state.digest])


def _new_snapshot(
    state: LeaseState, fetched: "Fetched", cause: str
) -> tuple[SettingsSnapshot, list[dict[str, Any]]]:
    """A snapshot that is not saved yet, and what it changes."""
    stored = {key: value for key, value in fetched.document.items() if key != "sdkKey"}
    before = in_force(state).settings if state.snapshot_id is not None else {}
    changes = compare(before, stored)
    return SettingsSnapshot.of(stored, fetched.digest, changes, cause), changes


def _land(
    state: LeaseState, flight: int, snapshot: SettingsSnapshot, seconds: float, at: datetime
) -> None:
    """One short transaction: release the lease, store what is new, finish what was waiting.

    It begins with its write, which is also the fence that refuses a late result.
    """
    new = snapshot.pk is None
    with transaction.atomic(using=database(), durable=True):
        if not RefreshLease.objects.land(state.pk, flight):
            raise Superseded("A newer refresh started meanwhile; this late result is refused.")
        if new:
            snapshot.store()
        finished = WebhookEvent.objects.land(flight, snapshot, changed=new, seconds=seconds, at=at)
        if new and finished and snapshot.cause != SettingsSnapshot.Cause.WEBHOOK:
            snapshot.cause = SettingsSnapshot.Cause.WEBHOOK
            snapshot.save(update_fields=["cause"], using=database())


def _crash(state: LeaseState, flight: int, failure: RefreshFailed) -> None:
    """Release the lease and give the waiting rows the reason."""
    logger.warning("VWO's settings were not refreshed: %s", failure)
    breather = isinstance(failure, FetchFailed)
    try:
        # a newer flight decides about the rows where this one came too late
        if RefreshLease.objects.crash(state.pk, flight, str(failure), breather=breather):
            WebhookEvent.objects.fail(flight, str(failure))
    except Error:
        # the lease runs out by itself, and VWO's next retry gives the rows their outcome
        logger.exception("The failed refresh could not be written down.")
    tell(
        refresh_failed,
        sender=SettingsSnapshot,
        events=WebhookEvent.objects.waiting_for(flight),
        error=failure,
    )


def announce(landing: Landing) -> None:
    """After the commit, and with the lease released: ring the bell, then tell the site's code."""
    if landing.changes is not None:
        texts = "; ".join(change["text"] for change in landing.changes)
        logger.info("VWO's settings changed, now #%d: %s", landing.snapshot.pk, texts)
        publish()
    tell_applied(landing.applied)
    if landing.landed_at is not None and settings_refreshed.has_listeners(SettingsSnapshot):
        tell(
            settings_refreshed,
            sender=SettingsSnapshot,
            events=WebhookEvent.objects.landed_with(landing.flight, landing.landed_at),
            snapshot=landing.snapshot,
            changes=landing.changes or [],
        )


def tell(signal: Signal, *, sender: type[Model], **provided: Any) -> None:
    """Send a signal, and let no receiver change what becomes of the rest.

    One that raises is logged by Django. One that leaves a transaction open would swallow whatever
    is stored later, so its transaction is undone.
    """
    connection = connections[database()]
    before = _transaction_is_open(connection)
    signal.send_robust(sender=sender, **provided)
    if _transaction_is_open(connection) and not before:
        logger.error("A receiver left a transaction open; what it did there is undone.")
        left_open = connection.connection
        connection.connect()
        left_open.close()


def _transaction_is_open(connection: BaseDatabaseWrapper) -> bool:
    return connection.connection is not None and (
        connection.in_atomic_block or not connection.autocommit
    )


def database() -> str:
    """The alias of the database that the models are written to."""
    return router.db_for_write(SettingsSnapshot)


def _sdk() -> ModuleType:
    # the one import inside a function: the SDK costs each manage.py command 0.3 s and 26 MB
    from .. import sdk

    return sdk
