"""Threads of one process share commits, which take longer than what they write."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import OperationalError

from .transactions import atomically

T = TypeVar("T")


@dataclass(eq=False)
class _Write:
    function: Callable[[], Any]
    ended: bool = False
    """Whether the transaction of its group has ended, in whichever way."""
    committed: bool = False
    result: Any = None


class GroupCommit:
    """Commits what several threads write at the same time in one transaction.

    One transaction is under way at a time. What other threads want to write meanwhile is committed
    together in the next one, by one of them; what is alone is committed at once.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._queued: list[_Write] = []
        self._committing = False

    def atomically(self, function: Callable[[], T], *, until: float) -> T:
        """What ``function`` returns, run in a transaction that is committed when this returns.

        Another thread may run it, and it is run again, in a transaction of its own, where one that
        it shared has failed: no write fails through another one's fault. Raises
        ``OperationalError`` where it had to wait until ``until`` on the monotonic clock.
        """
        write = _Write(function)
        if group := self._next_group(write, until):
            self._commit(group, until)
        if not write.committed:
            return atomically(function, until=until)
        result: T = write.result
        return result

    def _next_group(self, write: _Write, until: float) -> list[_Write]:
        """The writes that this thread is to commit; empty once another one has tried to."""
        with self._condition:
            self._queued.append(write)
            try:
                in_time = self._condition.wait_for(
                    lambda: write.ended or (write in self._queued and not self._committing),
                    timeout=max(until - time.monotonic(), 0),
                )
                if not in_time:
                    raise OperationalError("The transaction of another thread took too long.")
                if write.ended:
                    return []
                self._committing = True
                group, self._queued = self._queued, []
                return group
            finally:
                if write in self._queued:
                    self._queued.remove(write)

    def _commit(self, group: list[_Write], until: float) -> None:
        try:
            results = atomically(lambda: [write.function() for write in group], until=until)
            for write, result in zip(group, results, strict=True):
                write.result, write.committed = result, True
        except Exception:
            # each thread then writes what is its own, and learns what is wrong with that
            if len(group) == 1:
                raise
        finally:
            with self._condition:
                self._committing = False
                for write in group:
                    write.ended = True
                self._condition.notify_all()
