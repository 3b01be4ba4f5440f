"""Fault injection: how the simulator answers the next requests."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django_vwo_webhooks.testing.records import EventRequest


@dataclass(frozen=True)
class Behaviour:
    """What happens to one answer; the plain ``Behaviour()`` is that of a healthy VWO.

    ``status``: HTTP status instead of 200. ``delay``: seconds before the first byte.
    ``drip``: seconds between single bytes of the body, with ``drip_headers`` of the headers too.
    ``endless``: the body never ends. ``body`` and ``content_type`` replace the document.
    ``truncate``: half of the body, then the end of the connection. ``reset``: the connection is
    reset without an answer. ``take``: whether the document is read when the request arrives, or
    when it is answered.
    """

    status: int | None = None
    delay: float = 0.0
    drip: float | None = None
    drip_headers: bool = False
    endless: bool = False
    body: str | bytes | None = None
    content_type: str | None = None
    truncate: bool = False
    reset: bool = False
    take: Literal["arrival", "answer"] = "arrival"


HEALTHY = Behaviour()

HANG_SECONDS = 3600.0
"""A delay after which no client waits any more."""

PRESETS: dict[str, Behaviour] = {
    "normal": HEALTHY,
    "HTTP 500": Behaviour(status=500, body='{"message": "Internal server error"}'),
    "hang": Behaviour(delay=HANG_SECONDS),
    "garbage": Behaviour(body='{"features": [', content_type="application/json"),
}
"""The behaviours that the web page offers, by the name that it shows."""


@dataclass
class EventsFault:
    """How posts of events are answered: all of them, or the next ``times`` that ``when`` picks."""

    behaviour: Behaviour
    times: int | None = None
    when: Callable[[EventRequest], bool] | None = None

    def applies_to(self, request: EventRequest) -> bool:
        """Whether this request is answered so; counts it if it is."""
        if self.times == 0 or (self.when is not None and not self.when(request)):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class FaultInjection:
    """The simulator's methods that make it fail, and recover."""

    def __init__(self) -> None:
        super().__init__()
        self._faults_lock = threading.Lock()
        self._behaviour = HEALTHY
        self._fetches_left: int | None = None
        self._events_fault = EventsFault(HEALTHY)

    def misbehave(
        self,
        status: int | None = None,
        delay: float = 0.0,
        drip: float | None = None,
        body: str | bytes | None = None,
        content_type: str | None = None,
        truncate: bool = False,
        reset: bool = False,
        times: int | None = None,
        *,
        drip_headers: bool = False,
        endless: bool = False,
        take: Literal["arrival", "answer"] = "arrival",
    ) -> None:
        """Answer the next ``times`` fetches badly, or all until ``behave()`` when None.

        The other arguments are those of ``Behaviour``. A delayed answer holds the document as
        it was when the request arrived, unless ``take`` is ``"answer"``.
        """
        behaviour = Behaviour(
            status=status,
            delay=delay,
            drip=drip,
            drip_headers=drip_headers,
            endless=endless,
            body=body,
            content_type=content_type,
            truncate=truncate,
            reset=reset,
            take=take,
        )
        self.behave_as(behaviour, times)

    def behave_as(self, behaviour: Behaviour, times: int | None = None) -> None:
        """Answer the next ``times`` fetches in this way, or all of them when None."""
        with self._faults_lock:
            self._behaviour, self._fetches_left = behaviour, times

    def misbehave_events(
        self,
        status: int | None = None,
        delay: float = 0.0,
        *,
        reset: bool = False,
        times: int | None = None,
        when: Callable[[EventRequest], bool] | None = None,
    ) -> None:
        """Answer the next ``times`` posts of impressions badly, or all until ``behave()``.

        With ``when``, only those for which it returns true. Impressions whose answer is late
        arrive all the same; those of a post that is answered with another status than 2xx, or
        reset, do not.
        """
        behaviour = Behaviour(status=status, delay=delay, reset=reset)
        with self._faults_lock:
            self._events_fault = EventsFault(behaviour, times, when)

    def behave(self) -> None:
        """Answer well from now on; answers that have begun go on as they were."""
        with self._faults_lock:
            self._behaviour, self._fetches_left = HEALTHY, None
            self._events_fault = EventsFault(HEALTHY)

    @property
    def behaviour(self) -> Behaviour:
        """How the next fetch will be answered."""
        with self._faults_lock:
            return self._behaviour

    def _next_events_behaviour(self, request: EventRequest) -> Behaviour:
        """Return the behaviour for one post of events, and count that post."""
        with self._faults_lock:
            fault = self._events_fault
            return fault.behaviour if fault.applies_to(request) else HEALTHY

    def _next_behaviour(self) -> Behaviour:
        """Return the behaviour for one fetch, and count that fetch."""
        with self._faults_lock:
            behaviour = self._behaviour
            if self._fetches_left is not None:
                self._fetches_left -= 1
                if self._fetches_left <= 0:
                    self._behaviour, self._fetches_left = HEALTHY, None
            return behaviour
