"""One attempt: fetch from VWO, validate, build, store, apply here."""

import logging
import time
from typing import TYPE_CHECKING, Any

from django.db import Error
from django.utils import translation

from ..changes import compare, sentence
from ..conf import app_settings
from ..connections import RUN_MIGRATE, lacks_table
from ..exceptions import NotApplied, NotStored, RefreshFailed, Superseded
from ..models import LeaseState, RefreshLease, SettingsSnapshot, WebhookEvent
from ..models.transactions import atomically
from ..sdk import load_sdk
from ..signals import settings_refreshed
from .applying import apply, snapshot_in_force
from .deadline import Deadline
from .result import RefreshResult

if TYPE_CHECKING:
    from ..sdk.document import Fetched

logger = logging.getLogger("django_vwo_webhooks")

RECORD_SECONDS = 1.0
"""How long to try to record a failure where transactions conflict."""


def run_attempt(lease: LeaseState, cause: str, deadline: Deadline) -> RefreshResult:
    """Fetch, validate, build beside the living client, store, apply.

    ``lease`` was taken for this attempt just now. Never raises: a failure is in the result.
    """
    started_at = time.monotonic()
    built = None
    changes = None
    try:
        limit = min(app_settings.refresh_timeout_seconds, deadline.remaining_seconds(serves=True))
        fetched = load_sdk().fetch(limit)
        snapshot = snapshot_in_force(lease)
        if lease.snapshot_id is None or fetched.digest != lease.digest:
            built = load_sdk().build(load_sdk().validate(fetched.document))
            snapshot, changes = _new_snapshot(lease, fetched, cause)
        events = _store(lease, snapshot, time.monotonic() - started_at, deadline)
    except RefreshFailed as failure:
        # its message says all, and its frames hold VWO's answer, and with that the SDK key
        return _failed(lease, failure.with_traceback(None))
    except Error as error:
        if lacks_table(error):
            return _failed(lease, NotStored(f"VWO's settings could not be stored. {RUN_MIGRATE}"))
        not_stored = NotStored(f"VWO's settings could not be stored: {_name(error)}.")
        return _failed(lease, not_stored, error)
    except Exception as error:
        unexpected = RefreshFailed(f"Unexpected {_name(error)} during the refresh.")
        return _failed(lease, unexpected, error)
    result = RefreshResult(lease.attempt, snapshot, ran_here=True, changes=changes, events=events)
    if lease.failing:
        logger.warning("Recovered: VWO's settings are refreshed again.")
    if changes is not None:
        with translation.override(None):  # logs are in English on every site
            texts = "; ".join(map(sentence, changes))
        logger.info("VWO's settings changed, now #%d: %s", snapshot.pk, texts)
    return _applied(result, snapshot, built)


def _new_snapshot(
    lease: LeaseState, fetched: "Fetched", cause: str
) -> tuple[SettingsSnapshot, list[dict[str, Any]]]:
    """A snapshot that is not saved yet, and what it changes."""
    stored = {key: value for key, value in fetched.document.items() if key != "sdkKey"}
    before = snapshot_in_force(lease).settings if lease.snapshot_id is not None else {}
    changes = compare(before, stored)
    snapshot = SettingsSnapshot.of(
        stored, fetched.digest, changes, cause, created_at=lease.clock.now()
    )
    return snapshot, changes


def _store(
    lease: LeaseState, snapshot: SettingsSnapshot, seconds: float, deadline: Deadline
) -> tuple[int, ...]:
    """One transaction: release the lease, store what is new, finish and close what it serves.

    It begins with its write to the lease, which is also the fence that refuses a late result.
    Returns the ids of the rows that it finished, where a receiver wants them.
    """
    changed = snapshot.pk is None

    def store() -> tuple[int, ...]:
        if not RefreshLease.objects.succeed(lease):
            raise Superseded("A newer refresh started meanwhile; this late result is refused.")
        events: tuple[int, ...] = ()
        if settings_refreshed.has_listeners(SettingsSnapshot):
            finished = WebhookEvent.objects.finished_by(lease.attempt)
            events = tuple(finished.values_list("pk", flat=True))
        if changed:
            _put_in_force(lease, snapshot)
        WebhookEvent.objects.serve(
            lease.attempt, snapshot, changed=changed, seconds=seconds, at=lease.clock.now()
        )
        return events

    return atomically(store, until=deadline.answer_at)


def _put_in_force(lease: LeaseState, snapshot: SettingsSnapshot) -> None:
    snapshot.pk = None  # of a transaction that is run again
    if WebhookEvent.objects.waiting_for(lease.attempt).exists():
        snapshot.cause = SettingsSnapshot.Cause.WEBHOOK
    snapshot.store()
    RefreshLease.objects.put_in_force(lease, snapshot)


def _applied(result: RefreshResult, snapshot: SettingsSnapshot, built: Any) -> RefreshResult:
    if built is not None:
        built.snapshot_id, built.snapshot_digest = snapshot.pk, snapshot.digest
    try:
        return result._replace(applied=apply(snapshot.pk, snapshot.digest, built))
    except NotApplied as failure:
        return result._replace(failure=failure)
    except Exception as error:
        logger.exception("Settings #%d are stored, and could not be applied here.", snapshot.pk)
        why = f"Settings #{snapshot.pk} are stored, and could not be applied here: {_name(error)}."
        return result._replace(failure=NotApplied(why))


def _failed(
    lease: LeaseState, failure: RefreshFailed, error: Exception | None = None
) -> RefreshResult:
    """Release the lease, back off, and give the reason to the rows that waited.

    ``error`` is what the log shows a traceback of.
    """
    if str(failure) != lease.error:
        # the same failure as before was logged already, by whichever process met it first
        logger.warning("VWO's settings were not refreshed: %s", failure, exc_info=error)

    def record() -> bool:
        # a newer attempt decides about the rows where this one is late
        if not RefreshLease.objects.fail(lease, str(failure)):
            return False
        WebhookEvent.objects.fail(lease.attempt, str(failure))
        return True

    recorded = False
    try:
        recorded = atomically(record, until=time.monotonic() + RECORD_SECONDS)
    except Error as error:
        # the lease runs out by itself, and VWO's next retry gives the rows their outcome
        logger.warning("The failed refresh could not be recorded: %s.", _name(error))
    return RefreshResult(lease.attempt, failure=failure, failure_recorded=recorded, ran_here=True)


def _name(error: Exception) -> str:
    return type(error).__name__
