"""The requests that the simulator received, and how to wait for them."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

POLL_SECONDS = 0.05


class Fetch(NamedTuple):
    """One request for the settings.

    ``query`` has the last value of each parameter, ``at`` is ``time.monotonic()`` on arrival.
    """

    path: str
    query: dict[str, str]
    at: float
    user_agent: str


class EventRequest(NamedTuple):
    """One post of impressions or other events, whether it was accepted or not.

    ``headers`` has their names in lower case, ``at`` is ``time.monotonic()`` on arrival.
    """

    path: str
    body: bytes
    headers: dict[str, str]
    at: float

    @classmethod
    def arrived(cls, path: str, body: bytes, headers: Mapping[str, str]) -> "EventRequest":
        """A post that arrived now."""
        lower = {name.lower(): value for name, value in headers.items()}
        return cls(path, body, lower, time.monotonic())

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events in the body: those of a batch, or a single one."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return []
        if not isinstance(value, dict):
            return []
        return list(value["ev"]) if isinstance(value.get("ev"), list) else [value]


class Records:
    """The simulator's record of what it received; each property returns a copy."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._notifications = 0
        self._fetches: list[Fetch] = []
        self._event_requests: list[EventRequest] = []
        self._impressions: list[dict[str, Any]] = []

    @property
    def fetches(self) -> list[Fetch]:
        """The requests for settings so far, oldest first, whatever the answer was."""
        with self._changed:
            return list(self._fetches)

    @property
    def event_requests(self) -> list[EventRequest]:
        """The posts of events so far, whatever the answer was."""
        with self._changed:
            return list(self._event_requests)

    @property
    def impressions(self) -> list[dict[str, Any]]:
        """The events that were accepted so far; each event of a batch is an item of its own."""
        with self._changed:
            return list(self._impressions)

    def _add_fetch(self, fetch: Fetch) -> None:
        """Record a fetch."""
        with self._changed:
            self._fetches.append(fetch)
        self._notify()

    def _add_events(self, request: EventRequest, accepted: bool) -> None:
        """Record a post; its events count only if they were accepted."""
        with self._changed:
            self._event_requests.append(request)
            if accepted:
                self._impressions += request.events
        self._notify()

    def _notify(self) -> None:
        """Have ``wait_for`` check its condition again."""
        with self._changed:
            self._notifications += 1
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], object], timeout: float = 5.0) -> None:
        """Wait until ``predicate()`` is true; it is called after each request and each attempt.

        It is called without holding a lock. After ``timeout`` seconds, raises ``TimeoutError``
        with a summary of what was received.
        """
        give_up_at = time.monotonic() + timeout
        while True:
            with self._changed:
                seen = self._notifications
            if predicate():
                return
            with self._changed:
                if time.monotonic() >= give_up_at:
                    raise TimeoutError(self._summary(timeout))
                if seen == self._notifications:
                    self._changed.wait(POLL_SECONDS)

    def _summary(self, timeout: float) -> str:
        paths = [fetch.path for fetch in self._fetches]
        posts = [request.path for request in self._event_requests]
        return (
            f"The condition did not hold within {timeout:g} s. Received: "
            f"{len(paths)} fetches {paths}, "
            f"{len(posts)} posts {posts}, {len(self._impressions)} impressions"
        )
