"""Fault injection: how the simulator answers the next requests."""

import threading
from dataclasses import dataclass
from typing import Literal


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

PRESETS: dict[str, Behaviour] = {
    "normal": HEALTHY,
    "HTTP 500": Behaviour(status=500, body='{"message": "Internal server error"}'),
    "hang": Behaviour(delay=3600.0),
    "garbage": Behaviour(body='{"features": [', content_type="application/json"),
}
"""The behaviours that the web page offers, by the name that it shows."""


class FaultInjection:
    """The simulator's methods that make it fail, and recover."""

    def __init__(self) -> None:
        super().__init__()
        self._faults_lock = threading.Lock()
        self._behaviour = self._events_behaviour = HEALTHY
        self._fetches_left: int | None = None

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

    def misbehave_events(self, status: int | None = None, delay: float = 0.0) -> None:
        """Answer posts of impressions badly until ``behave()``."""
        with self._faults_lock:
            self._events_behaviour = Behaviour(status=status, delay=delay)

    def behave(self) -> None:
        """Answer well from now on; answers that have begun go on as they were."""
        with self._faults_lock:
            self._behaviour = self._events_behaviour = HEALTHY
            self._fetches_left = None

    @property
    def behaviour(self) -> Behaviour:
        """How the next fetch will be answered."""
        with self._faults_lock:
            return self._behaviour

    @property
    def events_behaviour(self) -> Behaviour:
        """How the next post of events will be answered."""
        with self._faults_lock:
            return self._events_behaviour

    def _next_behaviour(self) -> Behaviour:
        """Return the behaviour for one fetch, and count that fetch."""
        with self._faults_lock:
            behaviour = self._behaviour
            if self._fetches_left is not None:
                self._fetches_left -= 1
                if self._fetches_left <= 0:
                    self._behaviour, self._fetches_left = HEALTHY, None
            return behaviour
