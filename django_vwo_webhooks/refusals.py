"""The deliveries that this process has refused since it accepted one, kept in memory.

A stranger must cause no query, so the heartbeat writes them to the process's row.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from .process import PerProcess

logger = logging.getLogger("django_vwo_webhooks")

LOG_AGAIN_SECONDS = 600.0
"""How long after a line about refused deliveries the next one is logged, while they last."""

MAX_REASONS = 20
"""How many reasons are logged each on its own."""

FORGET_AFTER = timedelta(days=1)
"""How long after the last refused delivery they are forgotten, though none was accepted."""


@dataclass(frozen=True)
class Refused:
    """Deliveries that were refused, none of them followed by one that was accepted."""

    count: int = 0
    since: datetime | None = None
    last_at: datetime | None = None
    remote_addr: str | None = None
    """The address that the last one came from, if it may be stored."""

    @property
    def is_over(self) -> bool:
        """Whether none was refused for so long that they mean nothing any more."""
        return self.last_at is not None and self.last_at < timezone.now() - FORGET_AFTER


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
        now = timezone.now()
        with self._lock:
            before = self.refused
            refused = Refused(before.count + 1, before.since or now, now, remote_addr)
            self.refused = refused
            # a class of the site's own may give any number of reasons
            known = detail in self._logged_at or len(self._logged_at) < MAX_REASONS
            reason = detail if known else ""
            logged_at = self._logged_at.get(reason)
            if logged_at is not None and time.monotonic() < logged_at + LOG_AGAIN_SECONDS:
                return
            self._logged_at[reason] = time.monotonic()
        source = f" from {remote_addr}" if remote_addr else ""
        so_far = "" if logged_at is None else f" Refused since {refused.since}: {refused.count}."
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
