"""Keeps this process's client on the snapshot in force, from its first use on.

``thread`` does that on a thread, ``per_request`` without one. Both run a ``check`` of the database
again and again, and write a ``heartbeat``.
"""

import atexit
import os
import threading

from ..broadcast import forget_broadcast, get_broadcast
from ..conf import app_settings
from ..process import PerProcess
from .per_request import RequestFollower
from .thread import FollowerThread

FORK_WAIT_SECONDS = 0.25
"""How long a fork waits at most for the follower to finish its check of the database."""

EXIT_WAIT_SECONDS = 0.3
"""How long the end of the process waits at most for the follower to end."""


def _make_follower() -> FollowerThread | RequestFollower:
    return FollowerThread() if get_broadcast().thread else RequestFollower()


_follower = PerProcess(_make_follower)


_starting = PerProcess(threading.Lock)


def follows(owner: tuple[str, str]) -> bool:
    """Whether this process follows for this owner already, as far as the fork hooks know.

    For what is called often; each evaluation calls ``ensure_following``, which checks the pid, too.
    """
    follower = _follower.latest
    return follower is not None and follower.ready_for == owner


def ensure_following(owner: tuple[str, str] | None = None) -> None:
    """Follow from now on; the first call waits for a check of the database, a few seconds at most.

    In a forked child it starts anew, and so it does for another ``owner`` than before, which is
    ``AppSettings.owner`` unless the caller has it at hand. In a test run that names no stand-in for
    VWO it does nothing.
    """
    if owner is None:
        owner = app_settings.owner
    follower = _follower.peek()
    if follower is None or follower.ready_for != owner:
        _start(owner)


def _start(owner: tuple[str, str]) -> None:
    if app_settings.offline:
        return
    follower = _follower.peek()
    if follower is not None and follower.runs_this_thread():
        # a receiver of a signal asks, and would wait for itself
        return
    with _starting():
        # another thread may have come first
        follower = _follower.peek()
        if follower is not None and follower.owner != owner:
            stop_following()
        follower = _follower()
    follower.ensure()


def follow_soon() -> None:
    """Follow from some seconds on, and meanwhile neither wait nor use the database."""
    if _follower.peek() is None and not app_settings.offline:
        _follower().start_soon()


def stop_following(timeout_seconds: float = 5.0) -> None:
    """Stop following, as tests do; the next use of the client starts anew."""
    follower = _follower.peek()
    if follower is not None:
        follower.stop(timeout_seconds)
        forget_broadcast()
        _follower.forget()


def _wait_before_fork() -> None:
    """Let the follower finish its check, since a fork copies the locks of a driver as they stand.

    A child forked in the middle of a statement of SQLite's could never write. This waits and stops
    nothing, since uvloop runs the hooks before a fork for each subprocess.
    """
    follower = _follower.peek()
    if follower is not None and follower.busy.acquire(timeout=FORK_WAIT_SECONDS):
        follower.busy.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait_before_fork)


@atexit.register
def _stop_at_exit() -> None:
    follower = _follower.peek()
    if follower is not None:
        follower.stop(EXIT_WAIT_SECONDS, process_ends=True)
