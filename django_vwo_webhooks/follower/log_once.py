import logging

logger = logging.getLogger("django_vwo_webhooks")


class Troubles:
    """What goes wrong again and again is logged when it begins, and when it is over."""

    def __init__(self) -> None:
        self._current: set[str] = set()

    def begin(self, what: str, error: Exception) -> None:
        if what not in self._current:
            self._current.add(what)
            logger.warning("%s (%s); trying on.", what, type(error).__name__, exc_info=error)

    def end(self, what: str) -> None:
        if what in self._current:
            self._current.remove(what)
            logger.warning("Over: %s.", what)
