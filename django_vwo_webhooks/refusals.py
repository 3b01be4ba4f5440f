"""The deliveries that this process has refused since it accepted one, kept in memory.

A stranger must cause no query, so the heartbeat writes them to the process's row.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from .process import PerProcess

logger = logging.getLogger("django_vwo_webhooks")

LOG_AGAIN_SECONDS = 600.0
"""How long after a line about refused deliveries the next one is logged, while they last."""

MAX_REASONS = 20
"""How many reasons are logged each on its own."""

FORGET_AFTER_SECONDS = 86_400.0
"""How long after the last refused delivery they are forgotten, though none was accepted."""


@dataclass(frozen=True)
class Refused:
    """Deliveries that were refused, none of them followed by one that was accepted.

    The first and the last of them arrived at these times of the monotonic clock.
    """

    count: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    remote_addr: str | None = None
    """The address that the last one came from, if it may be stored."""

    @property
    def is_over(self) -> bool:
        """Whether none was refused for so long that they mean nothing any more."""
        return time.monotonic() - self.last_at > FORGET_AFTER_SECONDS

    def times(self, now: datetime) -> tuple[datetime, datetime]:
        """When the first and the last of them arrived, by the clock that ``now`` was read from."""
        monotonic = time.monotonic()
        first, last = monotonic - self.first_at, monotonic - self.last_at
        return now - timedelta(seconds=first), now - timedelta(seconds=last)


class Refusals:
    def __init__(self) -> None:
        self.refused = Refused()
        self._lock = threading.Lock()
        self._logged_at: dict[str, float] = {}

    def add(self, kind: str, detail: str, remote_addr: str | None) -> None:
        """Count a refused delivery, and log the first one for each reason.

        While none is accepted, another line follows every ``LOG_AGAIN_SECONDS`` at most. ``kind``
        is "missing" or "mismatch", and ``detail`` says which header.
        """
        now = time.monotonic()
        with self._lock:
            before = self.refused
            first_at = before.first_at if before.count else now
            refused = Refused(before.count + 1, first_at, now, remote_addr)
            self.refused = refused
            # a class of the site's own may give any number of reasons
            known = detail in self._logged_at or len(self._logged_at) < MAX_REASONS
            reason = detail if known else ""
            logged_at = self._logged_at.get(reason)
            if logged_at is not None and now < logged_at + LOG_AGAIN_SECONDS:
                return
            self._logged_at[reason] = now
        source = f" from {remote_addr}" if remote_addr else ""
        seconds = now - first_at
        so_far = "" if logged_at is None else f" {refused.count} in the last {seconds:.0f} s."
        logger.warning("A webhook%s was refused, %s: %s%s", source, kind, detail, so_far)

    def accepted(self) -> None:
        """Forget them: a delivery was accepted in this process just now."""
        refused = self.refused
        if refused.count:
            self.forget(refused)
            logger.warning("A webhook was accepted, after %d were refused.", refused.count)

    def forget(self, refused: Refused) -> None:
        """Forget these, unless others were refused meanwhile."""
        with self._lock:
            if self.refused is refused:
                self.refused = Refused()
                self._logged_at.clear()


refusals = PerProcess(Refusals)
