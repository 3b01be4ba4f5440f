from abc import ABC, abstractmethod

from django.core.exceptions import ImproperlyConfigured


class Broadcast(ABC):
    """The bell that tells the other processes to look at the newest snapshot.

    It carries no truth: a lost or doubled ring costs at most one poll interval, and whoever
    misses it finds the snapshot in the database. One object a process is made, with the
    ``OPTIONS`` of ``VWO_WEBHOOKS["BROADCAST"]`` as its keyword arguments.
    """

    pushes: bool = False
    """Whether rings arrive by themselves, so that ``poll_seconds`` need not be kept."""

    def __init__(self, *, poll_seconds: float = 1.0, thread: bool = True) -> None:
        if not isinstance(poll_seconds, (int, float)) or not poll_seconds > 0:
            raise ImproperlyConfigured(
                f"poll_seconds should be a number of seconds above 0, not {poll_seconds!r}."
            )
        self.poll_seconds = poll_seconds
        """How often a process looks by itself while no bell can be relied on."""
        self.thread = thread
        """Whether processes follow on a thread; else they look when a request starts."""

    @abstractmethod
    def publish(self, channel: str) -> None:
        """Ring. Raise whatever goes wrong; it is logged and no more.

        Called on a thread of its own, which is waited for half a second and then left behind.
        """

    @abstractmethod
    def listen(self, channel: str, timeout_seconds: float) -> bool:
        """Wait for a ring, at most ``timeout_seconds``; True when there was one.

        Called again and again from one thread. Rings between two calls must not be lost. Raise
        whatever goes wrong; the process then polls, and calls again after a while.
        """

    def close(self) -> None:
        """Let go of connections, and make a ``listen`` that waits in another thread return."""
