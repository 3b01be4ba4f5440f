"""Keeps this process on the newest snapshot, and the fleet's eye on VWO."""

import asyncio
import atexit
import logging
import os
import random
import threading
import time
from dataclasses import replace
from typing import Any

from django.core.signals import request_started
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..broadcast import Broadcast, channel, forget_broadcast, get_broadcast
from ..conf import app_settings
from ..connections import connect_alone, inside_transaction, mend_connections, tidy_up
from ..exceptions import RefreshFailed
from ..models import LeaseState, RefreshLease, SettingsSnapshot
from ..models.base import database
from ..process import PerProcess
from ..refresh import serve
from ..refresh.attempt import Clock, apply, tell_applied
from .heartbeat import Presence
from .log_once import Troubles

logger = logging.getLogger("django_vwo_webhooks")

CALM_SECONDS = 30.0
"""How often to look while a bell pushes, unless a look at VWO is due before."""

KEEP_SECONDS = 5.0
"""How long a look's connection is kept where a bell pushes, since changes rarely come alone."""

LONGEST_PAUSE_SECONDS = 2.0
"""How long to leave a database or a bell in peace that does not answer."""

GOODBYE_SECONDS = 0.3

FORK_WAIT_SECONDS = 0.25
"""How long a fork may wait for the follower's statement to end."""

DISPATCH_UID = "django_vwo_webhooks.follower"


class Follower:
    """One daemon thread that does all the database work of this process's client.

    So ``get_client()`` works in async views and inside broken transactions, which wait for the
    first look and for no more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_database = threading.RLock()
        self._thread: threading.Thread | None = None
        self._looked = threading.Event()
        self._stopping = threading.Event()
        self._troubles = Troubles()
        self._next_look = 0.0
        self._calm_seconds = CALM_SECONDS
        self._own: BaseDatabaseWrapper | None = None
        self._presence = Presence()
        self._listening_to: Broadcast | None = None
        # a fleet that was deployed at once must not look at VWO at once
        self._spread = random.uniform(0.8, 0.9)  # noqa: S311 - spreads load, guards nothing

    def ensure(self) -> None:
        """Start following on first use, and wait for the first look, a few seconds at most."""
        if self._looked.is_set():
            return
        mend_connections()
        if get_broadcast().thread:
            self._follow_on_thread()
        else:
            self._follow_requests()

    def stop(self, timeout_seconds: float) -> None:
        """End the thread, and wait for that."""
        self._stopping.set()
        request_started.disconnect(dispatch_uid=DISPATCH_UID)
        if self._thread is None:
            self._presence.leave()
            return
        if self._listening_to is not None:
            self._listening_to.close()
        self._thread.join(timeout_seconds)

    def look(self) -> None:
        """One look: apply what is newer, fetch where nobody ever did or for too long."""
        applied = None
        with self._in_database:
            state = RefreshLease.objects.look()
            if state.snapshot_id is not None:
                applied = apply(state.snapshot_id, state.digest)
        tell_applied(applied)
        if state.snapshot_id is None:
            # any flight will do, also one that began before this process
            state = replace(state, noted=0)
            self._fetch(state, SettingsSnapshot.Cause.STARTUP, Clock.starting())
        elif self._overdue(state):
            state = RefreshLease.objects.look()
            if self._overdue(state):
                self._fetch(state, SettingsSnapshot.Cause.RECONCILE, Clock.starting())
        due = max(self._due_in(state), get_broadcast().poll_seconds)
        self._calm_seconds = min(due, CALM_SECONDS)
        if self._looked.is_set():
            with self._in_database:
                self._presence.beat()

    def look_at_request(self) -> None:
        """Without a thread: a look when a request starts, at most one an interval."""
        if time.monotonic() >= self._next_look and self._lock.acquire(blocking=False):
            try:
                self._next_look = time.monotonic() + get_broadcast().poll_seconds
                self._look_or_say_why()
            finally:
                self._lock.release()

    def let_fork(self) -> None:
        """Come back when this process may be forked.

        A fork copies SQLite's inner locks as they stand, so the child of a fork in the middle of a
        statement could never write. This waits and stops nothing, since uvloop runs the hooks
        before a fork for each subprocess.
        """
        if self._in_database.acquire(timeout=FORK_WAIT_SECONDS):
            self._in_database.release()

    def _follow_on_thread(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vwo-follower", daemon=True)
                self._thread.start()
        if self._thread is not threading.current_thread():
            self._looked.wait(app_settings.refresh_timeout_seconds + 1)
            self._looked.set()

    def _follow_requests(self) -> None:
        request_started.connect(_request_started, dispatch_uid=DISPATCH_UID)
        if _in_event_loop() or inside_transaction(database()):
            first = threading.Thread(target=self._look_and_close, daemon=True)
            first.start()
            first.join(app_settings.refresh_timeout_seconds + 1)
        else:
            self.look_at_request()
        self._looked.set()

    def _look_and_close(self) -> None:
        self.look_at_request()
        connections.close_all()

    def _overdue(self, state: LeaseState) -> bool:
        free = not state.busy and not state.taking_a_breath
        # a look in the future was one before the clock was set back
        late = self._due_in(state) <= 0 or state.looked_seconds < 0
        return late and free and get_broadcast().thread

    def _due_in(self, state: LeaseState) -> float:
        """In how many seconds this process would look at VWO if nobody else did."""
        return app_settings.reconcile_seconds * self._spread - state.looked_seconds

    def _fetch(self, state: LeaseState, cause: str, clock: Clock) -> None:
        try:
            serve(state, cause=cause, clock=clock)
        except RefreshFailed as failure:
            logger.info("A look at VWO (%s) brought nothing: %s", cause, failure)

    def _run(self) -> None:
        # held by the object too, and so in forked children: freed there, MySQL's driver would say
        # goodbye on the parent's socket
        own = self._own = connect_alone(database())
        while not self._stopping.is_set():
            try:
                self._turn(own)
            except Exception as error:
                self._troubles.begin("VWO's settings can't be followed now", error)
                self._stopping.wait(_pause())
        self._presence.leave()
        connections.close_all()

    def _turn(self, own: BaseDatabaseWrapper) -> None:
        """Look, and wait until it is time to look again."""
        first = not self._looked.is_set()
        looked = self._look_or_say_why()
        tidy_up(own, close=first or not looked)
        # whoever waited for the first look may fork at once, as a preloading server does; so it
        # is over and done with here, and writes no row
        self._looked.set()
        if not looked:
            self._stopping.wait(_pause())
        elif first:
            self._stopping.wait(get_broadcast().poll_seconds)
        else:
            self._wait(own)

    def _look_or_say_why(self) -> bool:
        try:
            self.look()
        except Exception as error:
            self._troubles.begin("VWO's settings can't be followed now", error)
            return False
        self._troubles.end("VWO's settings can't be followed now")
        return True

    def _wait(self, own: BaseDatabaseWrapper) -> None:
        self._listening_to = bell = get_broadcast()
        try:
            if not bell.pushes:
                bell.listen(channel(), bell.poll_seconds)
            elif not (
                bell.listen(channel(), min(KEEP_SECONDS, self._calm_seconds))
                or self._stopping.is_set()
            ):
                tidy_up(own, close=True)
                bell.listen(channel(), max(0.0, self._calm_seconds - KEEP_SECONDS))
        except Exception as error:
            self._troubles.begin("The bell can't be heard now, so the database is polled", error)
            self._stopping.wait(bell.poll_seconds)
        else:
            self._troubles.end("The bell can't be heard now, so the database is polled")


follower = PerProcess(Follower)


def stop_following(timeout_seconds: float = 5.0) -> None:
    """End this process's follower, as tests do; the next use of the client starts a new one."""
    mine = follower.peek()
    if mine is not None:
        mine.stop(timeout_seconds)
        forget_broadcast()
        follower.forget()


def _before_fork() -> None:
    mine = follower.peek()
    if mine is not None and connections[database()].vendor == "sqlite":
        mine.let_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)


def _in_event_loop() -> bool:
    """Whether the ORM would refuse to work on this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _request_started(**kwargs: Any) -> None:
    follower().look_at_request()


def _pause() -> float:
    return random.uniform(LONGEST_PAUSE_SECONDS / 2, LONGEST_PAUSE_SECONDS)  # noqa: S311 - spreads load


@atexit.register
def _goodbye() -> None:
    mine = follower.peek()
    if mine is not None:
        mine.stop(GOODBYE_SECONDS)
