import asyncio
import os
import threading
import time
from typing import Any

from django.core.handlers.wsgi import get_path_info, get_script_name
from django.core.signals import request_started
from django.urls import NoReverseMatch, reverse

from ..broadcast import get_broadcast
from ..conf import app_settings
from ..connections import close_connections, inside_testcase, inside_transaction
from ..log_once import LogOnce
from ..models.base import database
from .check import DatabaseCheck
from .heartbeat import Heartbeat


class RequestFollower:
    """Follows without a thread: checks the database when a request starts.

    At most once per ``poll_seconds``. It does not reconcile, which would hold up the request.
    """

    def __init__(self) -> None:
        self.busy = threading.RLock()
        """Held during a check."""
        self.owner = app_settings.owner
        """Whose settings it follows."""
        self.ready_for: tuple[str, str] | None = None
        """The same, once nobody has to wait for the first check any more."""
        self._pid = os.getpid()
        self._next_check_at = 0.0
        self._check = DatabaseCheck(reconciles=False)
        self._heartbeat = Heartbeat()
        self._check_log = LogOnce("following VWO's settings", "it is retried at a later request")

    def ensure(self) -> None:
        """Check at each request from now on; the first use checks at once."""
        self.start_soon()
        if _is_database_out_of_reach():
            elsewhere = threading.Thread(target=self._first_check_elsewhere, daemon=True)
            elsewhere.start()
            elsewhere.join(app_settings.refresh_timeout_seconds + 1)
        else:
            self._first_check()
        self.ready_for = self.owner

    def runs_this_thread(self) -> bool:
        """Never, since it has no thread."""
        return False

    def start_soon(self) -> None:
        """Check at each request from now on."""
        request_started.connect(self._request_started)

    def stop(self, timeout_seconds: float, *, process_ends: bool = False) -> None:
        """Check no more. ``timeout_seconds`` is not needed, since nothing runs by itself."""
        request_started.disconnect(self._request_started)
        if not _is_database_out_of_reach():
            self._heartbeat.end(process_ends=process_ends)

    def _request_started(self, **kwargs: Any) -> None:
        # in a forked child this object is still connected, and the child has one of its own
        if self._pid == os.getpid() and not _is_delivery(**kwargs):
            self._check_if_due(wait_seconds=0)

    def _first_check(self) -> None:
        self._check_if_due(wait_seconds=app_settings.refresh_timeout_seconds + 1)

    def _first_check_elsewhere(self) -> None:
        self._first_check()
        close_connections()

    def _check_if_due(self, *, wait_seconds: float) -> None:
        """Check unless that is not due, or another thread takes longer than ``wait_seconds``."""
        if self.busy.acquire(timeout=wait_seconds):
            try:
                if time.monotonic() >= self._next_check_at:
                    self._next_check_at = time.monotonic() + get_broadcast().poll_seconds
                    self._run_check()
            finally:
                self.busy.release()

    def _run_check(self) -> None:
        try:
            lease = self._check.run()
            self._heartbeat.write(lease.clock.now())
        except Exception as error:
            self._check_log.failed(error)
        else:
            self._check_log.succeeded()


def _is_database_out_of_reach() -> bool:
    """Whether this thread can't query, or would do so inside the transaction of somebody else."""
    if _in_event_loop():
        return True
    # in a TestCase no other thread could see the rows
    return inside_transaction(database()) and not inside_testcase(database())


def _is_delivery(
    environ: dict[str, Any] | None = None, scope: dict[str, Any] | None = None, **kwargs: Any
) -> bool:
    """Whether a request is one for the webhook, where a stranger must cause no query."""
    try:
        webhook = reverse("django_vwo_webhooks:webhook")
    except NoReverseMatch:
        return False
    if scope is not None:
        return bool(scope["path"] == webhook)
    environ = environ or {}
    return get_script_name(environ).rstrip("/") + get_path_info(environ) == webhook


def _in_event_loop() -> bool:
    """Whether the ORM would refuse to work on this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
