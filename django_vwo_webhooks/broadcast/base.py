from abc import ABC, abstractmethod

from django.core.exceptions import ImproperlyConfigured


class Broadcast(ABC):
    """Notifies the other processes that there may be new settings in the database.

    A notification carries no data, and a process that misses one finds the settings at its next
    check of the database. Each process makes one object of the class, with the ``OPTIONS`` of
    ``VWO_WEBHOOKS["BROADCAST"]`` as keyword arguments.
    """

    pushes: bool = False
    """Whether notifications arrive by themselves, so that the database need not be polled."""

    def __init__(self, *, poll_seconds: float = 1.0, thread: bool = True) -> None:
        if not isinstance(poll_seconds, (int, float)) or not poll_seconds > 0:
            raise ImproperlyConfigured(
                f"poll_seconds should be a number of seconds above 0, not {poll_seconds!r}."
            )
        self.poll_seconds = poll_seconds
        """How often a process checks the database while no notification can be relied on."""
        self.thread = thread
        """Whether processes follow on a thread; if not, they check when a request starts."""

    @abstractmethod
    def publish(self, channel: str) -> None:
        """Notify every process that listens on ``channel``.

        Runs on a thread of its own, which is abandoned after half a second. Whatever it raises is
        logged and has no other effect.
        """

    @abstractmethod
    def listen(self, channel: str, timeout_seconds: float) -> bool:
        """Wait ``timeout_seconds`` at most for a notification; return whether there was one.

        One thread calls this again and again, the first time with a timeout of 0, which
        subscribes; from then on no notification may be lost between two calls. If it raises, the
        process polls the database and subscribes again after ``poll_seconds``.
        """

    def close(self) -> None:
        """Close all connections, and end a ``listen`` that waits in another thread."""
