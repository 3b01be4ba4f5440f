import threading

from .base import Broadcast


class DatabaseBroadcast(Broadcast):
    """Publishes nothing: each process checks the database every ``poll_seconds``.

    Needs nothing beside the database, where a check is one statement by an index.
    """

    def __init__(self, *, poll_seconds: float = 1.0, thread: bool = True) -> None:
        super().__init__(poll_seconds=poll_seconds, thread=thread)
        self._closed = threading.Event()

    def publish(self, channel: str) -> None:
        """Do nothing: the other processes find the stored snapshot at their next check."""

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        self._closed.wait(timeout_seconds)
        return False

    def close(self) -> None:
        self._closed.set()
