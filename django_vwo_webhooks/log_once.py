import logging
import threading

logger = logging.getLogger("django_vwo_webhooks")


class LogOnce:
    """Logs a lasting problem when it begins and when it has ended, not each time that it shows."""

    def __init__(self, task: str, consequence: str) -> None:
        self._task = task
        self._consequence = consequence
        self._lock = threading.Lock()
        self._failing = False

    def failed(self, error: Exception) -> None:
        if not self._note(failing=True):
            logger.warning(
                "Failed: %s (%s); %s.",
                self._task,
                type(error).__name__,
                self._consequence,
                exc_info=error,
            )

    def succeeded(self) -> None:
        if self._note(failing=False):
            logger.warning("Recovered: %s.", self._task)

    def _note(self, *, failing: bool) -> bool:
        """Whether the task was failing before."""
        with self._lock:
            before, self._failing = self._failing, failing
        return before
