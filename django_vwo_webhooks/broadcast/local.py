import threading

from .base import Broadcast


class LocalBroadcast(Broadcast):
    """Notifies the threads of one process only: for tests, and for sites of one process."""

    pushes = True

    def __init__(self, *, poll_seconds: float = 1.0, thread: bool = True) -> None:
        super().__init__(poll_seconds=poll_seconds, thread=thread)
        self._published: set[str] = set()
        self._closed = False
        self._condition = threading.Condition()

    def publish(self, channel: str) -> None:
        with self._condition:
            self._published.add(channel)
            self._condition.notify_all()

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        with self._condition:
            self._condition.wait_for(
                lambda: self._closed or channel in self._published, timeout_seconds
            )
            notified = channel in self._published
            self._published.discard(channel)
            return notified

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()
