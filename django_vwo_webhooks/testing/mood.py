"""How well the simulator answers now, and for how many more fetches."""

import threading
from typing import Literal

from django_vwo_webhooks.testing.behaviour import Behaviour


class Mood:
    """The part of the simulator that a test tells how to behave."""

    def __init__(self) -> None:
        super().__init__()
        self._mood_lock = threading.Lock()
        self._behaviour = Behaviour()
        self._times: int | None = None
        self._events_behaviour = Behaviour()

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

        The other arguments are ``Behaviour``'s. The document is the one of the request's
        arrival, so a slow answer is an old one, unless ``take`` is ``"answer"``.
        """
        self.behave_as(
            Behaviour(
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
            ),
            times,
        )

    def behave_as(self, behaviour: Behaviour, times: int | None = None) -> None:
        """Answer the next ``times`` fetches, or all from now on, in this way."""
        with self._mood_lock:
            self._behaviour, self._times = behaviour, times

    def misbehave_events(self, status: int | None = None, delay: float = 0.0) -> None:
        """Answer posts of impressions badly until ``behave()``."""
        with self._mood_lock:
            self._events_behaviour = Behaviour(status=status, delay=delay)

    def behave(self) -> None:
        """Answer well from now on; answers under way go on as they began."""
        with self._mood_lock:
            self._behaviour, self._times = Behaviour(), None
            self._events_behaviour = Behaviour()

    @property
    def behaviour(self) -> Behaviour:
        """How the next fetch will be answered."""
        with self._mood_lock:
            return self._behaviour

    @property
    def events_behaviour(self) -> Behaviour:
        """How the next post of events will be answered."""
        with self._mood_lock:
            return self._events_behaviour

    def _next_behaviour(self) -> Behaviour:
        """Return the behaviour for one fetch, and count it."""
        with self._mood_lock:
            behaviour = self._behaviour
            if self._times is not None:
                self._times -= 1
                if self._times <= 0:
                    self._behaviour, self._times = Behaviour(), None
            return behaviour
