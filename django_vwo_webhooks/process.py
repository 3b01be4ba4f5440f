"""What each process makes for itself on first use, and makes again after a fork."""

import os
from collections.abc import Callable
from os import getpid
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Holds one object for each process, made by ``factory`` when it is first asked for.

    Nothing is made at import or in a fork hook: gevent patches ``threading`` after the fork, and a
    lock made before that would block the worker for ever. ``factory`` must only construct, since
    several threads may call it at the same time; all of them get the same object, and the others
    are dropped.
    """

    def __init__(self, factory: Callable[[], T]) -> None:
        self._factory = factory
        self._instances: dict[int, T] = {}
        self._inherited: list[T] = []
        self.latest: T | None = None
        """What ``peek`` returns, without asking the operating system for the pid, which takes a
        quarter of a microsecond: a fork that runs no hooks leaves the parent's object here."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._set_aside)

    def __call__(self) -> T:
        pid = getpid()
        instance = self._instances.get(pid)
        if instance is None:
            instance = self.latest = self._instances.setdefault(pid, self._factory())
        return instance

    def _set_aside(self) -> None:
        # kept, since freeing it may end the protocol on a socket that the parent still uses
        self._inherited.extend(self._instances.values())
        self._instances.clear()
        self.latest = None

    def forget(self) -> None:
        """Drop this process's object, so that the next use makes a new one."""
        self._instances.pop(getpid(), None)
        self.latest = None

    def peek(self) -> T | None:
        """This process's object if it has been made, else None."""
        return self._instances.get(getpid())
