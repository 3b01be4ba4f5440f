"""The webhooks that the simulator sends in the background."""

import threading
import time

from django_vwo_webhooks.management.delivery import Delivery

STOP_SECONDS = 0.9


class Outbox:
    """Sends each delivery in a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: list[tuple[Delivery, threading.Thread]] = []

    @property
    def deliveries(self) -> list[Delivery]:
        """Every delivery so far, oldest first."""
        with self._lock:
            return [delivery for delivery, _ in self._sent]

    def send(
        self, delivery: Delivery, retry_seconds: tuple[float, float], give_up_seconds: float
    ) -> None:
        """Send in the background until a 2xx comes, the time is up or ``stop`` is called."""
        thread = threading.Thread(
            target=delivery.run,
            args=(retry_seconds, give_up_seconds),
            name="vwo-simulator-webhook",
            daemon=True,
        )
        with self._lock:
            self._sent.append((delivery, thread))
            thread.start()

    def stop(self) -> None:
        """End what is under way, and wait for its threads."""
        with self._lock:
            under_way = [pair for pair in self._sent if pair[1].is_alive()]
        for delivery, _ in under_way:
            delivery.cancel()
        end = time.monotonic() + STOP_SECONDS
        for _, thread in under_way:
            thread.join(max(0.0, end - time.monotonic()))
