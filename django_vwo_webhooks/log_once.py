import logging
import threading
import time
from collections.abc import Hashable
from math import inf

from .connections import RUN_MIGRATE, lacks_table

logger = logging.getLogger("django_vwo_webhooks")


class LogOnce:
    """Logs a lasting problem when it begins and when it has ended, not each time that it shows."""

    def __init__(self, task: str, consequence: str, level: int = logging.WARNING) -> None:
        self._task = task
        self._consequence = consequence
        self._level = level
        self._lock = threading.Lock()
        self._failing = False

    def failed(self, error: Exception) -> None:
        if not self._note(failing=True):
            lacks = lacks_table(error)
            logger.log(
                self._level,
                "Failed: %s (%s); %s.",
                self._task,
                RUN_MIGRATE if lacks else type(error).__name__,
                self._consequence,
                exc_info=None if lacks else error,
            )

    def succeeded(self) -> None:
        if self._note(failing=False):
            logger.warning("Recovered: %s.", self._task)

    def _note(self, *, failing: bool) -> bool:
        """Whether the task was failing before."""
        with self._lock:
            before, self._failing = self._failing, failing
        return before


class OnceInAWhile:
    """Admits what is the same once in ten minutes, and counts the rest."""

    SECONDS = 600.0
    MOST_KEYS = 1000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._admitted: dict[Hashable, tuple[float, int]] = {}

    def admit(self, key: Hashable) -> int | None:
        """How many were not admitted since the last one that was; None where this one is not."""
        now = time.monotonic()
        with self._lock:
            admitted_at, earlier = self._admitted.get(key, (-inf, 0))
            if now - admitted_at < self.SECONDS:
                self._admitted[key] = (admitted_at, earlier + 1)
                return None
            self._admitted.pop(key, None)
            if len(self._admitted) >= self.MOST_KEYS:
                del self._admitted[next(iter(self._admitted))]
            self._admitted[key] = (now, 0)
        return earlier
