"""Keeps this process on the newest snapshot, and the fleet's eye on VWO."""

import logging
import random
import threading
from dataclasses import replace

from django.db import connections, router

from .broadcast import Broadcast, channel, forget_broadcast, get_broadcast
from .conf import app_settings
from .exceptions import RefreshFailed
from .models import LeaseState, RefreshLease, SettingsSnapshot
from .process import PerProcess
from .refresh import Clock, apply, serve

logger = logging.getLogger("django_vwo_webhooks")

CALM_SECONDS = 30.0
"""How often to look while a bell pushes."""

LONGEST_PAUSE_SECONDS = 30.0


class Follower:
    """One daemon thread that does all the database work of this process's client.

    So ``get_client()`` works in async views and inside broken transactions, which wait for the
    first look and for no more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._looked = threading.Event()
        self._stopping = threading.Event()
        self._failures = 0
        # a fleet that was deployed at once must not look at VWO at once
        self._patience = random.uniform(1.0, 1.1)  # noqa: S311 - spreads load, guards nothing

    def ensure(self) -> None:
        """Start following on first use, and wait for the first look, a few seconds at most."""
        if self._looked.is_set():
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vwo-follower", daemon=True)
                self._thread.start()
        if self._thread is not threading.current_thread():
            self._looked.wait(app_settings.refresh_timeout_seconds + 1)
            self._looked.set()

    def stop(self, timeout_seconds: float) -> None:
        """End the thread, and wait for that."""
        self._stopping.set()
        if self._thread is not None:
            get_broadcast().close()
            self._thread.join(timeout_seconds)

    def look(self) -> None:
        """One look: apply what is newer, fetch where nobody ever did or for too long."""
        state = RefreshLease.objects.look()
        if state.snapshot_id is None:
            self._fetch(state, SettingsSnapshot.Cause.STARTUP)
            return
        apply(state.snapshot_id)
        if state.looked_seconds > app_settings.reconcile_seconds * self._patience:
            self._fetch(state, SettingsSnapshot.Cause.RECONCILE)

    def _fetch(self, state: LeaseState, cause: str) -> None:
        try:
            if cause == SettingsSnapshot.Cause.STARTUP:
                # any flight will do, also one that began before
                serve(replace(state, noted=0), cause=cause, clock=Clock.starting_now(patient=True))
            elif not state.busy and not state.taking_a_breath:
                serve(state, cause=cause, clock=Clock.starting_now())
        except RefreshFailed as failure:
            logger.info("The look at VWO for the %s brought nothing: %s", cause, failure)

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause = 0.0
            try:
                self.look()
                self._recovered()
            except Exception as error:
                pause = self._failed(error)
            self._looked.set()
            self._wait(pause)
        connections.close_all()

    def _wait(self, pause: float) -> None:
        broadcast = get_broadcast()
        alias = router.db_for_read(SettingsSnapshot)
        if pause:
            connections[alias].close()
            self._stopping.wait(pause)
            return
        try:
            broadcast.listen(channel(), self._interval(broadcast))
        except Exception:
            self._stopping.wait(broadcast.poll_seconds)

    def _interval(self, broadcast: Broadcast) -> float:
        return CALM_SECONDS if broadcast.pushes else broadcast.poll_seconds

    def _failed(self, error: Exception) -> float:
        if self._failures == 0:
            logger.error("VWO's settings can't be followed now; trying on.", exc_info=error)
        self._failures += 1
        longest = min(2.0**self._failures / 2, LONGEST_PAUSE_SECONDS)
        return random.uniform(longest / 2, longest)  # noqa: S311

    def _recovered(self) -> None:
        if self._failures:
            logger.info("VWO's settings are followed again.")
        self._failures = 0


follower = PerProcess(Follower)


def stop_following(timeout_seconds: float = 5.0) -> None:
    """End this process's follower, as tests do; the next use of the client starts a new one."""
    mine = follower.peek()
    if mine is not None:
        mine.stop(timeout_seconds)
        forget_broadcast()
        follower.forget()
