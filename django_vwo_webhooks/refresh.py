"""The fleet's one flight at a time, and who is served by it.

A flight serves every delivery that arrived before its fetch started, never one that came later.
Flight numbers decide that, in the database, for the threads of all processes alike.
"""

import math
import threading
import time

from django.db import connections, transaction

from .exceptions import InsideTransaction, RefreshBusy, TakingABreath
from .flight import PATIENCE_SECONDS, Clock, Landing, announce, apply, database, fly, in_force
from .models import LeaseState, RefreshLease, SettingsSnapshot
from .process import PerProcess

LOOK_AGAIN_SECONDS = 0.05
"""How often to look whether another process's flight has landed."""


def refresh_settings(cause: str = SettingsSnapshot.Cause.MANUAL) -> SettingsSnapshot:
    """Fetch VWO's settings, store them if they changed, and apply them in this process.

    The other processes of the fleet follow by themselves. Concurrent calls share fetches: each
    call is served by a fetch that started after it. ``cause`` is one of ``SettingsSnapshot.Cause``
    and goes into a snapshot that this makes.

    Returns the snapshot in force, new or not. Raises ``RefreshFailed``, whose message says why;
    the flags in force then stay as they are. Must not be called inside a transaction.
    """
    _refuse_transaction()
    landing = serve(RefreshLease.objects.look(), cause=cause, clock=Clock.starting_now())
    return SettingsSnapshot.objects.get(pk=landing.snapshot.pk)


class _Tower:
    """Lets one thread of this process fly at a time; those who waited share its landing."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.busy = False
        # the flight that the busy thread flies, or waits for where another process flies it;
        # 0 while it looks, and what it then starts is newer than whatever waits here
        self.flight = 0
        self.landing: Landing | None = None

    def may_serve(self, noted: int) -> bool:
        return self.flight == 0 or self.flight > noted


_tower = PerProcess(_Tower)


def serve(seen: LeaseState, *, cause: str, clock: Clock) -> Landing:
    """Bring a landing of a flight that started after ``seen.noted``: a shared one or an own one.

    Raises ``RefreshFailed``.
    """
    tower = _tower()
    with tower.condition:
        waited = tower.busy
        while tower.busy:
            remaining = clock.remaining(serves=tower.may_serve(seen.noted))
            if remaining <= 0:
                raise RefreshBusy("An earlier refresh is still under way.")
            tower.condition.wait(min(remaining, PATIENCE_SECONDS))
        if waited and tower.landing is not None and tower.landing.flight > seen.noted:
            return tower.landing
        tower.busy, tower.flight, tower.landing = True, 0, None
    landing = None
    try:
        state = RefreshLease.objects.look() if waited else seen
        landing = _take_off(tower, state, seen.noted, cause, clock)
    finally:
        with tower.condition:
            tower.busy, tower.landing = False, landing
            tower.condition.notify_all()
    if landing.flown_here:
        announce(landing)
    return landing


def _take_off(tower: _Tower, state: LeaseState, noted: int, cause: str, clock: Clock) -> Landing:
    """Wait for the fleet's lease, then fly; or come back with another process's landing."""
    while not state.serves(noted):
        if state.taking_a_breath and cause != SettingsSnapshot.Cause.MANUAL:
            raise TakingABreath(state.error, math.ceil(state.breather_seconds))
        if clock.remaining(serves=not state.busy or state.flight > noted) <= 0:
            raise RefreshBusy("An earlier refresh by another process is still under way.")
        if state.busy:
            tower.flight = state.flight
            time.sleep(LOOK_AGAIN_SECONDS)
        elif flight := RefreshLease.objects.start(state):
            tower.flight = flight
            return fly(state, flight, cause, clock)
        state = RefreshLease.objects.look()
    apply(state.snapshot_id)
    return Landing(state.succeeded_flight, in_force(state))


def _refuse_transaction() -> None:
    alias = database()
    if connections[alias].in_atomic_block:
        try:
            with transaction.atomic(using=alias, durable=True):
                return
        except RuntimeError as error:
            raise InsideTransaction(
                "refresh_settings() was called inside a transaction, which would stay open while "
                "VWO answers. Write: transaction.on_commit(refresh_settings)"
            ) from error
