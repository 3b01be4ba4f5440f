"""One attempt of the fleet at a time, and which one serves whom.

An attempt serves everything that arrived before its fetch started, and nothing that came later.
The attempts' numbers decide that, in the database, for the threads of all processes alike.
"""

import math
import time

from ..broadcast import publish
from ..conf import app_settings
from ..exceptions import BackingOff, RefreshBusy, RefreshFailed
from ..models import LeaseState, RefreshLease, SettingsSnapshot
from ..models.transactions import retried
from ..process import PerProcess
from .applying import follow
from .attempt import run_attempt
from .deadline import Deadline
from .result import RefreshResult
from .single_flight import SingleFlight

SHORTEST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.05
"""Between these two lies the pause from one read of the lease to the next, while it is taken."""

PAUSE_SHARE = 0.125
"""The pause as a share of what was waited already."""

BATCH_DELAY_SHARE = 0.5
SHORTEST_BATCH_DELAY_SECONDS = 0.004
LONGEST_BATCH_DELAY_SECONDS = 0.1
"""Under contention an attempt starts later, by this share of what was waited or of what an attempt
takes, so that it serves more: those that the last attempt served are sending their next
delivery."""

get_single_flight = PerProcess(SingleFlight)


def refresh(
    lease: LeaseState,
    *,
    noted: int,
    cause: str,
    deadline: Deadline,
    started: bool = False,
    my_turn: bool = False,
) -> RefreshResult:
    """Bring the result of an attempt above ``noted``: a shared one, or one that is run here.

    ``lease`` is as it was read last; with ``started`` it was taken for an attempt that is to be run
    now. ``my_turn`` means that ``SingleFlight.begin`` has returned True to this thread. The caller
    is to ``announce`` the result.
    """
    single_flight = get_single_flight()
    began_at = time.monotonic()
    deadline = deadline.waiting()
    try:
        result = None
        if not my_turn:
            _check_backoff(lease, cause)
            result = single_flight.wait(noted, deadline.given(lease))
        if result is None:
            waited = 0.0 if my_turn else time.monotonic() - began_at
            result = single_flight.run(
                lambda: (
                    _run(lease, cause, deadline)
                    if started
                    else _run_or_follow(lease, noted, cause, deadline, waited)
                )
            )
    except RefreshFailed as failure:
        return RefreshResult(failure=failure)
    if result.changes is not None:
        publish()
    return result


def _run_or_follow(
    lease: LeaseState, noted: int, cause: str, deadline: Deadline, waited: float
) -> RefreshResult:
    """Take the fleet's lease and run an attempt, or follow the one of another process."""
    single_flight = get_single_flight()
    began_at = time.monotonic() - waited
    batched = not single_flight.contended
    pause = 0.0
    if waited:
        lease = _read(deadline)
    while not lease.serves(noted):
        _check_backoff(lease, cause)
        _check_time(lease, noted, deadline)
        waited = time.monotonic() - began_at
        # an attempt that starts from now on serves all that wait
        single_flight.waits_for(lease.attempt if lease.busy else 0)
        if lease.busy:
            pause = _pause(lease, waited if pause else None, single_flight.average_seconds)
            time.sleep(pause)
        elif not batched:
            batched = True
            time.sleep(batch_delay(waited, single_flight.average_seconds))
        elif taken := _start(lease, deadline):
            return _run(taken, cause, deadline)
        lease = _read(deadline)
    return follow(lease)


def batch_delay(waited: float, average_seconds: float) -> float:
    """How long an attempt lets others join, where attempts take so long on average.

    A delivery that has just arrived has waited for nothing yet, and others arrive with it.
    """
    delay = BATCH_DELAY_SHARE * max(waited, average_seconds)
    return min(max(delay, SHORTEST_BATCH_DELAY_SECONDS), LONGEST_BATCH_DELAY_SECONDS)


def _run(taken: LeaseState, cause: str, deadline: Deadline) -> RefreshResult:
    single_flight = get_single_flight()
    single_flight.waits_for(taken.attempt)
    began_at = time.monotonic()
    result = run_attempt(taken, cause, deadline)
    single_flight.took(time.monotonic() - began_at)
    return result


def _check_backoff(lease: LeaseState, cause: str) -> None:
    if lease.backing_off and cause != SettingsSnapshot.Cause.MANUAL:
        raise BackingOff(lease.error, math.ceil(lease.backoff_seconds))


def _check_time(lease: LeaseState, noted: int, deadline: Deadline) -> None:
    serves = not lease.busy or lease.attempt > noted
    remaining = deadline.given(lease).remaining_seconds(serves=serves)
    if remaining <= 0:
        raise RefreshBusy("An earlier refresh by another process is still under way.")
    if not lease.busy and remaining < min(1.0, app_settings.refresh_timeout_seconds / 2):
        # what is left would be too short for VWO, and would look like a failure of VWO
        raise RefreshBusy("The database took too long to leave time for asking VWO.")


def _pause(lease: LeaseState, waited: float | None, average_seconds: float) -> float:
    """At first what the attempt should still take, then a share of what was waited."""
    pause = average_seconds - lease.running_seconds if waited is None else PAUSE_SHARE * waited
    return min(max(pause, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)


def _read(deadline: Deadline) -> LeaseState:
    return retried(RefreshLease.objects.read, until=deadline.answer_at)


def _start(lease: LeaseState, deadline: Deadline) -> LeaseState | None:
    return retried(lambda: RefreshLease.objects.start(lease), until=deadline.answer_at)
