import time
from math import inf
from typing import NamedTuple

from ..conf import app_settings
from ..models import LeaseState

MAX_WAIT_SECONDS = 1.0
"""How long to wait at most for an attempt that began too early to serve."""

STORE_SECONDS = 0.25
"""What is kept of the time limit for storing and answering."""


class Deadline(NamedTuple):
    """When an answer is due, on the monotonic clock."""

    answer_at: float
    wait_until: float = inf
    """Until when to wait for an attempt that does not serve."""

    @classmethod
    def starting(cls, at: float | None = None) -> "Deadline":
        """For what began ``at`` a time of ``time.monotonic()``, now by default."""
        at = time.monotonic() if at is None else at
        return cls(at + app_settings.refresh_timeout_seconds + MAX_WAIT_SECONDS - STORE_SECONDS)

    def waiting(self) -> "Deadline":
        """The same for one that begins to wait now."""
        return self._replace(wait_until=min(time.monotonic() + MAX_WAIT_SECONDS, self.answer_at))

    def given(self, lease: LeaseState) -> "Deadline":
        """The same, without a wait for an attempt that is slow, or that follows one that failed.

        Each delivery that waits holds a thread that visitors need, and VWO retries it anyway.
        """
        waited = MAX_WAIT_SECONDS if lease.failing else lease.running_seconds
        wait_until = time.monotonic() + MAX_WAIT_SECONDS - waited
        return self._replace(wait_until=min(self.wait_until, wait_until))

    def remaining_seconds(self, *, serves: bool) -> float:
        """How long to wait for an attempt that serves the caller, or for one that does not."""
        return (self.answer_at if serves else self.wait_until) - time.monotonic()
