import threading

from ..broadcast import Broadcast, channel, get_broadcast
from ..log_once import LogOnce


class Listener:
    """Waits for a notification, or for a poll interval while none can be relied on."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._broadcast: Broadcast | None = None
        self._subscribed = False
        self._log = LogOnce("listening for changes", "the database is polled instead")

    def subscribe(self) -> bool:
        """Subscribe if the broadcast pushes and that is not done yet; return whether it was done.

        The database should then be checked, since what was published before was missed.
        """
        broadcast = get_broadcast()
        if broadcast is not self._broadcast:
            self._broadcast, self._subscribed = broadcast, False
        if self._subscribed or not broadcast.pushes or self._stopping.is_set():
            return False
        try:
            broadcast.listen(channel(), 0)
        except Exception as error:
            self._log.failed(error)
            return False
        self._subscribed = True
        return True

    def wait(self, seconds: float) -> bool:
        """Wait for a notification, ``seconds`` at most; return whether to check the database now.

        Where no notification can be relied on, wait for a poll interval and return True.
        """
        broadcast = self._broadcast
        if broadcast is None or self._stopping.is_set():
            return True
        if broadcast.pushes and not self._subscribed:
            self._stopping.wait(broadcast.poll_seconds)
            return True
        try:
            notified = broadcast.listen(
                channel(), seconds if broadcast.pushes else broadcast.poll_seconds
            )
        except Exception as error:
            self._subscribed = False
            self._log.failed(error)
            self._stopping.wait(broadcast.poll_seconds)
            return True
        self._log.succeeded()
        return notified or not broadcast.pushes

    def close(self) -> None:
        """Close the broadcast, so that a wait in another thread ends."""
        if self._broadcast is not None:
            self._broadcast.close()
