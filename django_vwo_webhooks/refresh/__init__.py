"""The fleet's one flight at a time, and who is served by it.

A flight serves every delivery that arrived before its fetch started, never one that came later.
Flight numbers decide that, in the database, for the threads of all processes alike.
"""

import math
import threading
import time
from dataclasses import dataclass
from math import inf

from ..conf import app_settings
from ..connections import inside_transaction
from ..exceptions import InsideTransaction, RefreshBusy, TakingABreath
from ..models import LeaseState, RefreshLease, SettingsSnapshot, WebhookEvent
from ..process import PerProcess
from .attempt import PATIENCE_SECONDS, Clock, Landing, announce, apply, database, fly, in_force

SHORTEST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.05
"""Between these two grow the pauses from one look at another process's flight to the next."""

GATHER = 0.5
SHORTEST_GATHER_SECONDS = 0.004
LONGEST_GATHER_SECONDS = 0.1
"""In a crowd who had to wait waits on for this part of it, and everybody for the shortest time, so
that the next flight serves more: those whom the last one served send their next delivery now."""

CROWD_SECONDS = 0.1
"""For how long it counts as a crowd that a delivery had to wait for another one's flight."""


def refresh_settings(cause: str = SettingsSnapshot.Cause.MANUAL) -> SettingsSnapshot:
    """Fetch VWO's settings, store them if they changed, and apply them in this process.

    The other processes of the fleet follow by themselves. Concurrent calls share fetches: each
    call is served by a fetch that started after it. ``cause`` is one of ``SettingsSnapshot.Cause``
    and goes into a snapshot that this makes.

    Returns the snapshot in force, new or not. Raises ``RefreshFailed``, whose message says why;
    the flags in force then stay as they are. Must not be called inside a transaction.
    """
    _refuse_transaction()
    landing = serve(RefreshLease.objects.look(), cause=cause, clock=Clock.starting())
    return SettingsSnapshot.objects.get(pk=landing.snapshot.pk)


@dataclass(eq=False)
class _Call:
    """One call of this process that wants a landing, for a delivery mostly."""

    noted: int
    event: int | None
    landing: Landing | None = None


class _Tower:
    """Lets one thread of this process fly at a time; those who wait share its landing."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.calls: list[_Call] = []
        self.busy = False
        # the flight that the busy thread flies, or waits for where another process flies it;
        # 0 while it looks, and what it then starts is newer than whatever waits here
        self.flight = 0
        self.waited_at = -inf

    @property
    def crowded(self) -> bool:
        return time.monotonic() - self.waited_at < CROWD_SECONDS

    def may_serve(self, call: _Call) -> bool:
        return self.flight == 0 or self.flight > call.noted

    def served_by(self, landing: Landing, but: _Call) -> list[_Call]:
        with self.condition:
            return [one for one in self.calls if one.noted < landing.flight and one is not but]


_tower = PerProcess(_Tower)


def serve(seen: LeaseState, *, cause: str, clock: Clock, event: int | None = None) -> Landing:
    """Bring a landing of a flight that started after ``seen.noted``: a shared one or an own one.

    ``event`` is the id of a row of which a delivery is answered 2xx now; it is closed. Raises
    ``RefreshFailed``.
    """
    tower = _tower()
    call = _Call(seen.noted, event)
    with tower.condition:
        tower.calls.append(call)
    try:
        waited = _wait_for_turn(tower, call, clock.knowing(seen))
        if call.landing is not None:
            return call.landing
        landing = _fly_or_follow(tower, call, seen, waited, cause, clock)
        _close([call], landing)
        return landing
    finally:
        with tower.condition:
            tower.calls.remove(call)


def _wait_for_turn(tower: _Tower, call: _Call, clock: Clock) -> float:
    """Until another thread has landed for ``call``, or its turn has come; for how many seconds."""
    began, waited = time.monotonic(), 0.0
    with tower.condition:
        while tower.busy and call.landing is None:
            remaining = clock.remaining(serves=tower.may_serve(call))
            if remaining <= 0:
                raise RefreshBusy("An earlier refresh is still under way.")
            tower.condition.wait(min(remaining, PATIENCE_SECONDS))
            tower.waited_at = time.monotonic()
            waited = tower.waited_at - began
        if call.landing is None:
            tower.busy, tower.flight = True, 0
    return waited


def _fly_or_follow(
    tower: _Tower, call: _Call, seen: LeaseState, waited: float, cause: str, clock: Clock
) -> Landing:
    """Bring a landing for ``call``, and for whoever else waits for it in this process."""
    served: list[_Call] = []
    try:
        landing = _take_off(tower, call, seen, waited, cause, clock)
        others = tower.served_by(landing, but=call)
        _close(others, landing)
        served = others
    finally:
        with tower.condition:
            tower.busy = False
            for other in served:
                other.landing = landing
            tower.condition.notify_all()
    announce(landing)
    return landing


def _close(calls: list[_Call], landing: Landing) -> None:
    """Close the rows of calls that are answered 2xx now, in one statement.

    The last that is done before the answer: VWO repeats what is cut off, and joins the open row.
    """
    events = [call.event for call in calls if call.event is not None]
    if events:
        WebhookEvent.objects.answer(events, flight=landing.flight)


def _take_off(
    tower: _Tower, call: _Call, state: LeaseState, waited: float, cause: str, clock: Clock
) -> Landing:
    """Wait for the fleet's lease, then fly; or come back with another process's landing."""
    pause = SHORTEST_PAUSE_SECONDS
    began = time.monotonic() - waited
    gathered = False
    if waited > 0:
        state = RefreshLease.objects.look()
    while not state.serves(call.noted):
        if state.taking_a_breath and cause != SettingsSnapshot.Cause.MANUAL:
            raise TakingABreath(state.error, math.ceil(state.breather_seconds))
        serves = not state.busy or state.flight > call.noted
        remaining = clock.knowing(state).remaining(serves=serves)
        if remaining <= 0:
            raise RefreshBusy("An earlier refresh by another process is still under way.")
        if not state.busy and remaining < _least_fetch_seconds():
            # what is left of the time would be too short for VWO, and look like its failure
            raise RefreshBusy("The database took too long to leave time for asking VWO.")
        if state.busy:
            tower.flight = state.flight
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            tower.waited_at = time.monotonic()
            waited = tower.waited_at - began
        elif not gathered and tower.crowded:
            gathered = True
            gather = max(GATHER * waited, SHORTEST_GATHER_SECONDS)
            time.sleep(min(gather, LONGEST_GATHER_SECONDS))
        elif flight := RefreshLease.objects.start(state):
            tower.flight = flight
            return fly(state, flight, cause, clock)
        state = RefreshLease.objects.look()
    applied = apply(state.snapshot_id, state.digest)
    return Landing(state.succeeded_flight, in_force(state), applied=applied)


def _least_fetch_seconds() -> float:
    return min(1.0, app_settings.refresh_timeout_seconds / 2)


def _refuse_transaction() -> None:
    if inside_transaction(database()):
        raise InsideTransaction(
            "refresh_settings() was called inside a transaction, which would stay open while "
            "VWO answers. Write: transaction.on_commit(refresh_settings)"
        )
