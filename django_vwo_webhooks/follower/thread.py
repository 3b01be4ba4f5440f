import contextlib
import os
import random
import threading

from django.db.backends.base.base import BaseDatabaseWrapper

from ..broadcast import get_broadcast
from ..conf import app_settings
from ..connections import close_connections, close_unusable_connections, use_unpooled_connection
from ..log_once import LogOnce
from ..models.base import database
from ..sdk.switched_off import switched_off
from .check import DatabaseCheck
from .heartbeat import Heartbeat
from .listener import Listener

START_DELAY_SECONDS = 5.0
"""After how long a thread begins that nobody waits for."""

LONGEST_WAIT_SECONDS = 30.0
"""After how long without a notification the database is checked anyway."""

IDLE_CONNECTION_SECONDS = 5.0
"""How long the connection is kept for the next notification: changes rarely come alone."""

LONGEST_RETRY_PAUSE_SECONDS = 2.0
"""How long after a failed check the next one is run, at most; at least half as long."""


class FollowerThread:
    """Follows on one daemon thread, which does all the database work of this process's client.

    So ``get_client()`` works in async views and inside broken transactions, which wait for the
    first check only.
    """

    def __init__(self) -> None:
        self.busy = threading.RLock()
        """Held by the thread unless it waits."""
        self.owner = app_settings.owner
        """Whose settings it follows."""
        self.ready_for: tuple[str, str] | None = None
        """The same, once nobody has to wait for the first check any more."""
        self._pid = os.getpid()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._first_check_done = threading.Event()
        self._stopping = threading.Event()
        self._process_ends = False
        self._connection: BaseDatabaseWrapper | None = None
        self._check = DatabaseCheck(reconciles=True)
        self._heartbeat = Heartbeat()
        self._listener = Listener(self._stopping)
        self._log = LogOnce("following VWO's settings", "it is retried")

    def ensure(self) -> None:
        """Start the thread on first use, and wait for its first check, a few seconds at most."""
        self._wanted.set()
        self.start_soon()
        self._first_check_done.wait(app_settings.refresh_timeout_seconds + 1)
        self.ready_for = self.owner

    def runs_this_thread(self) -> bool:
        """Whether it is its own thread that asks."""
        return self._thread is threading.current_thread()

    def start_soon(self) -> None:
        """Start the thread, which begins when it is wanted, or after ``START_DELAY_SECONDS``."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vwo-follower", daemon=True)
                self._thread.start()

    def stop(self, timeout_seconds: float, *, process_ends: bool = False) -> None:
        """End the thread, and wait for its end."""
        self._process_ends = process_ends
        self._stopping.set()
        self._wanted.set()
        self._listener.close()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        self._wanted.wait(START_DELAY_SECONDS)
        # the object keeps it, and with the object each forked child does: if a child freed it,
        # MySQL's driver would end the parent's session
        self._connection = own = use_unpooled_connection(database())
        while self._goes_on():
            try:
                due_seconds = self._check_database()
                self._log.succeeded()
                close_unusable_connections(but=own)
                self._wait(own, due_seconds)
            except Exception as error:
                if self._is_inherited():
                    break
                self._log.failed(error)
                with contextlib.suppress(Exception):
                    close_unusable_connections(but=own)
                    own.close()
                self._stopping.wait(_retry_pause_seconds())
        if not self._is_inherited():
            self._heartbeat.end(process_ends=self._process_ends)
            close_connections()

    def _goes_on(self) -> bool:
        return not (self._stopping.is_set() or self._is_inherited())

    def _is_inherited(self) -> bool:
        """Whether it runs in a forked child, since gevent lets greenlets go on there.

        The child has a follower of its own, and the connections are the parent's.
        """
        return self._pid != os.getpid()

    def _check_database(self) -> float:
        """Check, and subscribe if needed; return in how many seconds a reconcile is due."""
        # in one go, since a preloading server forks as soon as get_client() has returned
        with self.busy:
            try:
                lease = self._check.run()
            finally:
                # before the broadcast is used: one that hangs must not keep get_client() waiting
                self._first_check_done.set()
            if self._listener.subscribe():
                lease = self._check.run()
            self._heartbeat.write(lease.clock.now())
        return self._check.due_seconds(lease)

    def _wait(self, own: BaseDatabaseWrapper, due_seconds: float) -> None:
        """Wait for a notification, or until a check, a reconcile, a heartbeat or the end of a
        kill switch is due."""
        seconds = min(
            max(due_seconds, get_broadcast().poll_seconds),
            self._heartbeat.due_seconds,
            switched_off.due_seconds,
            LONGEST_WAIT_SECONDS,
        )
        if not self._listener.wait(min(seconds, IDLE_CONNECTION_SECONDS)) and self._goes_on():
            own.close()
            self._listener.wait(max(0.0, seconds - IDLE_CONNECTION_SECONDS))


def _retry_pause_seconds() -> float:
    longest = LONGEST_RETRY_PAUSE_SECONDS
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, guards nothing
