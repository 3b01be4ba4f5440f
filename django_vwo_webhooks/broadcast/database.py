import threading

from .base import Broadcast


class DatabaseBroadcast(Broadcast):
    """No bell at all: each process looks at the database every ``poll_seconds``.

    Needs nothing but the database that is there anyway. A look is one statement by an index.
    """

    def __init__(self, *, poll_seconds: float = 1.0, thread: bool = True) -> None:
        super().__init__(poll_seconds=poll_seconds, thread=thread)
        self._closed = threading.Event()

    def publish(self, channel: str) -> None:
        """Nothing to do: the snapshot that was stored is what the others look for."""

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        self._closed.wait(timeout_seconds)
        return False

    def close(self) -> None:
        self._closed.set()
