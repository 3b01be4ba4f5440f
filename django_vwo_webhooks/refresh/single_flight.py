import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from ..exceptions import RefreshBusy
from .deadline import Deadline
from .result import RefreshResult

CHECK_SECONDS = 1.0
"""How often a waiting thread looks at its deadline."""

CONTENTION_SECONDS = 0.1
"""For how long it counts as contention that a thread had to wait for another one."""


@dataclass(eq=False)
class _Waiting:
    noted: int
    result: RefreshResult | None = None


class SingleFlight:
    """The threads of one process share attempts: one thread runs them, the others wait.

    A thread passes the number of the attempt that it noted, and is served by one with a greater
    number.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._running = False
        self._waited_at = -inf
        # of the attempt that the running thread runs, or waits for where another process runs it;
        # 0 before it knows, and what it then starts is newer than whatever waits here
        self._attempt = 0
        self.average_seconds = 0.0
        """How long an attempt takes on this machine, over the last few."""

    @property
    def contended(self) -> bool:
        """Whether threads have had to wait for each other just now."""
        return time.monotonic() - self._waited_at < CONTENTION_SECONDS

    def begin(self) -> bool:
        """Whether this thread is to run the next attempt; it must call ``run`` or ``end`` then."""
        with self._condition:
            if self._running:
                return False
            self._running, self._attempt = True, 0
            return True

    def wait(self, noted: int, deadline: Deadline) -> RefreshResult | None:
        """The result of another thread's attempt that serves the caller.

        None when it is this thread's turn to run one, as after ``begin``. Raises ``RefreshBusy``
        when the time is over.
        """
        waiting = _Waiting(noted)
        with self._condition:
            self._waiting.append(waiting)
            try:
                while waiting.result is None and self._running:
                    may_serve = self._attempt == 0 or self._attempt > noted
                    remaining = deadline.remaining_seconds(serves=may_serve)
                    if remaining <= 0:
                        raise RefreshBusy("An earlier refresh is still under way.")
                    self._condition.wait(min(remaining, CHECK_SECONDS))
                    self._waited_at = time.monotonic()
            finally:
                self._waiting.remove(waiting)
            if waiting.result is None:
                self._running, self._attempt = True, 0
            return waiting.result

    def run(self, function: Callable[[], RefreshResult]) -> RefreshResult:
        """What ``function`` returns, shared with the threads that wait."""
        result = None
        try:
            result = function()
        finally:
            self.end(result)
        return result

    def waits_for(self, attempt: int) -> None:
        """Note which attempt the running thread runs, or waits for; 0 for one yet to start."""
        with self._condition:
            self._attempt = attempt

    def end(self, result: RefreshResult | None = None) -> None:
        """Let the waiting threads go on: those that the result serves with the result."""
        with self._condition:
            self._running = False
            if result is not None:
                shared = result._replace(applied=None, ran_here=False, changes=None)
                for waiting in self._waiting:
                    if waiting.noted < result.attempt:
                        waiting.result = waiting.result or shared
            self._condition.notify_all()

    def took(self, seconds: float) -> None:
        """Note how long an attempt took."""
        self.average_seconds = (3 * (self.average_seconds or seconds) + seconds) / 4
