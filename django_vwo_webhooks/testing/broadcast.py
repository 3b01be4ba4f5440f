"""What every broadcast backend has to keep, as tests for pytest to inherit."""

import os
import threading
import time
from abc import abstractmethod

from django_vwo_webhooks.broadcast.base import Broadcast

CHANNEL = f"vwo_webhooks_contract_{os.getpid()}"


class BroadcastContract:
    """Inherit it in a class named ``Test…`` and say in ``make`` how to make a backend."""

    @abstractmethod
    def make(self) -> Broadcast:
        """A new backend."""

    def pair(self) -> tuple[Broadcast, Broadcast]:
        """One that rings, and one that listens, as in two processes."""
        return self.make(), self.make()

    def test_a_ring_is_heard_by_a_backend_that_pushes(self) -> None:
        ringing, listening = self.pair()
        listening.listen(CHANNEL, 0.05)
        ringing.publish(CHANNEL)
        started = time.monotonic()
        heard = listening.listen(CHANNEL, 5.0 if listening.pushes else 0.05)
        assert heard == listening.pushes
        assert time.monotonic() - started < 4
        self._close(ringing, listening)

    def test_a_ring_between_two_calls_is_not_lost(self) -> None:
        ringing, listening = self.pair()
        listening.listen(CHANNEL, 0.05)
        for _ in range(3):
            ringing.publish(CHANNEL)
        assert listening.listen(CHANNEL, 5.0 if listening.pushes else 0.05) == listening.pushes
        self._close(ringing, listening)

    def test_silence_lasts_as_long_as_was_asked_for(self) -> None:
        _, listening = self.pair()
        listening.listen(CHANNEL, 0.05)
        started = time.monotonic()
        assert not listening.listen(CHANNEL, 0.3)
        assert 0.2 < time.monotonic() - started < 3
        self._close(listening)

    def test_other_channels_are_not_heard(self) -> None:
        ringing, listening = self.pair()
        listening.listen(CHANNEL, 0.05)
        ringing.publish("vwo_webhooks_another")
        assert not listening.listen(CHANNEL, 0.3)
        self._close(ringing, listening)

    def test_closing_ends_a_call_that_waits(self) -> None:
        _, listening = self.pair()
        listening.listen(CHANNEL, 0.05)
        waiting = threading.Thread(target=listening.listen, args=(CHANNEL, 30.0), daemon=True)
        waiting.start()
        listening.close()
        waiting.join(5.0)
        assert not waiting.is_alive()

    def test_a_name_for_its_time_and_its_thread(self) -> None:
        backend = self.make()
        assert backend.poll_seconds > 0
        assert backend.thread is True
        self._close(backend)

    def _close(self, *backends: Broadcast) -> None:
        for backend in backends:
            backend.close()
