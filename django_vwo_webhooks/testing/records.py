"""What the simulator writes down of the requests that it got, and how to wait for them."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

LOOK_AGAIN_SECONDS = 0.05


class Fetch(NamedTuple):
    """One request for the settings.

    ``query`` has the last value of each parameter, ``at`` is ``time.monotonic()`` on arrival.
    """

    path: str
    query: dict[str, str]
    at: float
    user_agent: str


class EventRequest(NamedTuple):
    """One post of impressions or other events, whether it was answered well or not."""

    path: str
    body: bytes


class Records:
    """The part of the simulator that remembers; each property is a snapshot."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._notices = 0
        self._fetches: list[Fetch] = []
        self._event_requests: list[EventRequest] = []
        self._impressions: list[dict[str, Any]] = []

    @property
    def fetches(self) -> list[Fetch]:
        """The requests for settings so far, oldest first, whatever they were answered."""
        with self._changed:
            return list(self._fetches)

    @property
    def event_requests(self) -> list[EventRequest]:
        """The posts of events so far as (path, body), whatever they were answered."""
        with self._changed:
            return list(self._event_requests)

    @property
    def impressions(self) -> list[dict[str, Any]]:
        """The events that were accepted so far, those of a batch one by one."""
        with self._changed:
            return list(self._impressions)

    def _add_fetch(self, fetch: Fetch) -> None:
        """Write down a fetch."""
        with self._changed:
            self._fetches.append(fetch)
        self._notify()

    def _add_events(self, request: EventRequest, accepted: bool) -> None:
        """Write down a post; its events count only when VWO accepted them."""
        with self._changed:
            self._event_requests.append(request)
            if accepted:
                self._impressions += _events(request.body)
        self._notify()

    def _notify(self) -> None:
        """Say that something happened that somebody may wait for."""
        with self._changed:
            self._notices += 1
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], object], timeout: float = 5.0) -> None:
        """Wait until ``predicate()`` is true; each request and each attempt asks it again.

        It is called with no lock held. Raises ``TimeoutError``, which says what was seen,
        after ``timeout`` seconds.
        """
        end = time.monotonic() + timeout
        while True:
            with self._changed:
                seen = self._notices
            if predicate():
                return
            with self._changed:
                if time.monotonic() >= end:
                    raise TimeoutError(self._told(timeout))
                if seen == self._notices:
                    self._changed.wait(LOOK_AGAIN_SECONDS)

    def _told(self, timeout: float) -> str:
        paths = [fetch.path for fetch in self._fetches]
        posts = [request.path for request in self._event_requests]
        return (
            f"Still not so after {timeout:g} s. Seen: {len(paths)} fetches {paths}, "
            f"{len(posts)} posts {posts}, {len(self._impressions)} impressions"
        )


def _events(body: bytes) -> list[dict[str, Any]]:
    """Return the events of a body: those of a batch, or the one that it is."""
    try:
        value = json.loads(body)
    except ValueError:
        return []
    if not isinstance(value, dict):
        return []
    return list(value["ev"]) if isinstance(value.get("ev"), list) else [value]
