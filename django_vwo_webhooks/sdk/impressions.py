"""What the SDK reports to VWO: batched, bounded, sent by one thread a process."""

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from wingify.utils.network_util import send_post_batch_request

from ..conf import app_settings
from ..process import PerProcess

logger = logging.getLogger("django_vwo_webhooks.sdk")

MOST_IMPRESSIONS = 10_000
MOST_A_REQUEST = 5000
MOST_TASKS = 100
LONGEST_PAUSE_SECONDS = 60.0
GOODBYE_SECONDS = 0.5


class Impressions:
    """A queue with the interface of the SDK's ``BatchEventQueue``, and its one sender.

    The SDK's own queue has a timer that keeps the process alive and joins a thread pool at exit;
    this one ends with the process. A batch that VWO does not take is sent again, after a pause
    that grows to a minute. The queue holds 10,000 impressions; newer ones are dropped and counted.
    """

    def __init__(self) -> None:
        self.batch_queue: deque[dict[str, Any]] = deque()
        self.tasks: deque[Callable[[], object]] = deque(maxlen=MOST_TASKS)
        self.dropped = 0
        options = app_settings.sdk_options.get("batch_event_data") or {}
        self.events_per_request: int = options.get("events_per_request", 100)
        self.interval_seconds: float = options.get("request_time_interval", 2.0)
        self._flush_callback: Callable[..., object] | None = options.get("flush_callback")
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._ended = False
        self._under_way = 0

    def enqueue(self, event: dict[str, Any]) -> None:
        """Take one impression; returns at once."""
        with self._condition:
            if len(self.batch_queue) >= MOST_IMPRESSIONS:
                self.dropped += 1
                return
            self.batch_queue.append(event)
            self._start()
            if len(self.batch_queue) >= self.events_per_request:
                self._condition.notify_all()

    def run(self, task: Callable[[], object]) -> None:
        """Take a request that the SDK wants to make in the background, a debug event mostly.

        At most 100 wait; beyond that the oldest is dropped.
        """
        with self._condition:
            self.tasks.append(task)
            self._start()
            self._condition.notify_all()

    def flush_and_clear_timer(self) -> bool:
        """Send what waits now; True when nothing is left (``client.flush_events()``)."""
        while self.batch_queue:
            if not self._send(self._take(self.events_per_request)):
                return False
        return True

    def close(self) -> None:
        """At exit: one request for what waits, half a second for it; the rest is given up."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
            if self._thread is not None:
                self._condition.wait_for(lambda: self._ended, GOODBYE_SECONDS)
            lost = len(self.batch_queue) + self._under_way + self.dropped
        if lost:
            logger.warning("%d impressions were not sent to VWO before the process ended.", lost)

    def flush_callback(self, *args: Any) -> None:
        """What the SDK calls after each request; the site's own one is in ``SDK_OPTIONS``."""
        if self._flush_callback is not None:
            _call_robustly(self._flush_callback, *args)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="vwo-impressions", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        pause = 0.0
        while not self._closing:
            with self._condition:
                if pause:
                    self._condition.wait_for(self._urgent, pause)
                else:
                    self._condition.wait_for(self._due, self.interval_seconds)
                task = self.tasks.popleft() if self.tasks and not self._closing else None
            if task is not None:
                _call_robustly(task)
            elif not self._closing:
                sent = self._send(self._take(self.events_per_request))
                pause = 0.0 if sent else min(max(2 * pause, 1.0), LONGEST_PAUSE_SECONDS)
        self._send(self._take(MOST_A_REQUEST))
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def _urgent(self) -> bool:
        return self._closing or bool(self.tasks)

    def _due(self) -> bool:
        return self._urgent() or len(self.batch_queue) >= self.events_per_request

    def _take(self, most: int) -> list[dict[str, Any]]:
        with self._condition:
            count = min(most, len(self.batch_queue))
            self._under_way = count
            return [self.batch_queue.popleft() for _ in range(count)]

    def _send(self, batch: list[dict[str, Any]]) -> bool:
        sent = not batch or bool(
            send_post_batch_request(
                batch, app_settings.account_id, app_settings.sdk_key, self.flush_callback
            )
        )
        with self._condition:
            if not sent:
                self.batch_queue.extendleft(reversed(batch))
            if sent and self.dropped:
                logger.warning("%d impressions were dropped: the queue was full.", self.dropped)
                self.dropped = 0
            self._under_way = 0
        return sent


def _call_robustly(function: Callable[..., object], *args: Any) -> None:
    """Call code that is not ours: an error must not end the one thread that sends."""
    try:
        function(*args)
    except Exception:
        logger.exception("An error while impressions were sent to VWO.")


impressions = PerProcess(Impressions)


def _goodbye() -> None:
    # a forked child inherits this hook, but what its parent queued stays the parent's
    mine = impressions.peek()
    if mine is not None:
        mine.close()


atexit.register(_goodbye)
