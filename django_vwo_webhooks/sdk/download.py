"""One GET with a deadline that holds whatever the server does."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from ..exceptions import FetchFailed, FetchTimedOut
from ..process import PerProcess
from .session import Session

KEEP_IDLE_SECONDS = 15.0
"""How long an idle connection may be used again; after a longer time a firewall may have cut it."""


def download(url: str, params: Mapping[str, Any], *, timeout_seconds: float) -> bytes:
    """The body of the answer, whole, within ``timeout_seconds`` of the monotonic clock.

    The time-outs of sockets start anew with each byte, so they limit nothing when a server sends
    byte by byte, and none of them covers the look-up of the host's name. The request therefore
    runs on another thread. At the deadline its sockets are shut, so that it ends soon, but nobody
    waits for that.

    Raises a child of ``FetchFailed``.
    """
    wanted = _Download(params, timeout_seconds)
    thread = _idle_thread(url) or _DownloadThread(url)
    thread.start(wanted)
    if not wanted.done.wait(timeout_seconds) and thread.cancel(wanted):
        host = thread.session.host
        raise FetchTimedOut(f"VWO ({host}) did not answer in full within {timeout_seconds:.1f} s.")
    if wanted.failure is not None:
        raise wanted.failure
    return wanted.body


class _Download:
    """What a caller wants, and what it gets."""

    def __init__(self, params: Mapping[str, Any], timeout_seconds: float) -> None:
        self.params = params
        self.timeout_seconds = timeout_seconds
        self.done = threading.Event()
        self.failure: FetchFailed | None = None
        self.body = b""

    def run(self, session: Session) -> None:
        try:
            self.body = session.get(self.params, self.timeout_seconds)
        except Exception as error:
            self.failure = session.explain(error, self.timeout_seconds)


class _DownloadThread:
    """A thread with a session, which does one download after another from one URL.

    Starting a thread and a session for each would cost more than the download itself. Both end
    after a download that failed, and when they have been idle for some time.
    """

    def __init__(self, url: str) -> None:
        self.session = Session(url)
        self.idle_since = 0.0
        self._condition = threading.Condition()
        self._current: _Download | None = None
        self._thread = threading.Thread(target=self._run, name="vwo-fetch", daemon=True)
        self._thread.start()

    def start(self, download: _Download) -> None:
        with self._condition:
            self._current = download
            self._condition.notify()

    def cancel(self, download: _Download) -> bool:
        """End the thread with this download; False where the download is complete already."""
        with self._condition:
            if self._current is not download:
                return False
            self.session.shut()
        return True

    def leave_idle(self) -> bool:
        """Whether it was idle; whoever gets True may use it or end it, and nobody else."""
        try:
            _idle().remove(self)
        except ValueError:
            return False
        return True

    def end(self) -> None:
        """End the thread, which is idle, and wait for that."""
        self.session.shut()
        with self._condition:
            self._condition.notify()
        self._thread.join(1.0)

    def _run(self) -> None:
        while (download := self._next()) is not None:
            download.run(self.session)
            with self._condition:
                self._current = None
                keep = download.failure is None and not self.session.is_shut
            if keep:
                self.idle_since = time.monotonic()
                # before the caller goes on, which may want the next download at once
                _idle().append(self)
            download.done.set()
            if not keep:
                break
        self.session.close()

    def _next(self) -> _Download | None:
        """The next download, or None when there was none for some time."""
        with self._condition:
            while self._current is None:
                if self.session.is_shut:
                    return None
                if not self._condition.wait(KEEP_IDLE_SECONDS) and self.leave_idle():
                    return None
            return self._current


_idle: PerProcess[list[_DownloadThread]] = PerProcess(list)


def _idle_thread(url: str) -> _DownloadThread | None:
    """An idle thread for this URL, which is the caller's from now on."""
    oldest = time.monotonic() - KEEP_IDLE_SECONDS
    for thread in reversed(_idle()):
        suits = thread.session.url == url and thread.idle_since > oldest
        if suits and thread.leave_idle():
            return thread
    return None


def close_idle_connections() -> None:
    """Close what is kept for the next download, and end its threads, as tests do."""
    for thread in list(_idle()):
        if thread.leave_idle():
            thread.end()
