"""The contract of a broadcast backend, as tests for pytest to inherit."""

import os
import threading
import time
from abc import abstractmethod

from django_vwo_webhooks.broadcast.base import Broadcast

CHANNEL = f"vwo_webhooks_contract_{os.getpid()}"


class BroadcastContract:
    """Inherit it in a class named ``Test…`` whose ``make`` returns a new backend."""

    @abstractmethod
    def make(self) -> Broadcast:
        """Return a new backend."""

    def pair(self) -> tuple[Broadcast, Broadcast]:
        """Return a publisher and a listener, as in two processes."""
        return self.make(), self.make()

    def test_a_listener_is_notified_by_a_backend_that_pushes(self) -> None:
        publisher, listener = self.pair()
        listener.listen(CHANNEL, 0.05)
        publisher.publish(CHANNEL)
        started_at = time.monotonic()
        notified = listener.listen(CHANNEL, 5.0 if listener.pushes else 0.05)
        assert notified == listener.pushes
        assert time.monotonic() - started_at < 4
        self._close(publisher, listener)

    def test_a_notification_between_two_calls_of_listen_is_not_lost(self) -> None:
        publisher, listener = self.pair()
        listener.listen(CHANNEL, 0.05)
        for _ in range(3):
            publisher.publish(CHANNEL)
        assert listener.listen(CHANNEL, 5.0 if listener.pushes else 0.05) == listener.pushes
        self._close(publisher, listener)

    def test_without_a_notification_listen_returns_after_its_timeout(self) -> None:
        _, listener = self.pair()
        listener.listen(CHANNEL, 0.05)
        started_at = time.monotonic()
        assert not listener.listen(CHANNEL, 0.3)
        assert 0.2 < time.monotonic() - started_at < 3
        self._close(listener)

    def test_other_channels_do_not_notify(self) -> None:
        publisher, listener = self.pair()
        listener.listen(CHANNEL, 0.05)
        publisher.publish("vwo_webhooks_another")
        assert not listener.listen(CHANNEL, 0.3)
        self._close(publisher, listener)

    def test_close_ends_a_call_of_listen_in_another_thread(self) -> None:
        _, listener = self.pair()
        listener.listen(CHANNEL, 0.05)
        waiting = threading.Thread(target=listener.listen, args=(CHANNEL, 30.0), daemon=True)
        waiting.start()
        listener.close()
        waiting.join(5.0)
        assert not waiting.is_alive()

    def test_a_backend_has_a_poll_interval_and_uses_a_thread(self) -> None:
        backend = self.make()
        assert backend.poll_seconds > 0
        assert backend.thread is True
        self._close(backend)

    def _close(self, *backends: Broadcast) -> None:
        for backend in backends:
            backend.close()
