"""What the SDK reports to VWO: queued, and sent in batches by one thread of the process."""

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from wingify.utils.network_util import send_post_batch_request

from ..conf import app_settings
from ..process import PerProcess
from ..sdk_options import batching
from ..sdk_options.readers import MAX_EVENTS_PER_REQUEST
from .gateway import post_event

logger = logging.getLogger("django_vwo_webhooks.sdk")

MAX_QUEUED_IMPRESSIONS = 10_000
MAX_QUEUED_TASKS = 100
FIRST_RETRY_DELAY_SECONDS = 1.0
MAX_RETRY_DELAY_SECONDS = 60.0

EXIT_FLUSH_SECONDS = 0.5
"""How long the end of the process may be delayed by what is still queued."""


class ImpressionQueue:
    """A queue with the interface of the SDK's ``BatchEventQueue``, and the thread that sends it.

    The SDK's own queue has a timer that keeps the process alive, and joins a thread pool at exit;
    this one ends with the process. A batch that VWO does not accept is sent again, after a delay
    that grows to a minute. The queue holds 10,000 impressions; newer ones are dropped and counted.
    """

    def __init__(self) -> None:
        self.batch_queue: deque[dict[str, Any]] = deque()
        self.tasks: deque[Callable[[], object]] = deque(maxlen=MAX_QUEUED_TASKS)
        self.dropped = 0
        options = batching(app_settings.sdk_options)
        self.events_per_request = options.events_per_request
        self.interval_seconds = options.request_time_interval
        self._site_callback = options.flush_callback
        self._posts_singly = options.posts_singly
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._ended = False
        self._being_sent = 0

    def enqueue(self, event: dict[str, Any]) -> None:
        """Queue one impression; returns at once."""
        with self._condition:
            if len(self.batch_queue) >= MAX_QUEUED_IMPRESSIONS:
                self.dropped += 1
                return
            self.batch_queue.append(event)
            self._start()
            if len(self.batch_queue) >= self.events_per_request:
                self._condition.notify_all()

    def run_in_background(self, task: Callable[[], object]) -> None:
        """Queue another request that the SDK wants to make, a debug event in most cases.

        At most 100 are queued; beyond that the oldest is dropped.
        """
        with self._condition:
            self.tasks.append(task)
            self._start()
            self._condition.notify_all()

    def flush_and_clear_timer(self) -> bool:
        """Send what is queued now; True when nothing is left (``client.flush_events()``)."""
        while self.batch_queue:
            if not self._send(self._take(self.events_per_request)):
                return False
        return True

    def close(self) -> None:
        """Send what is queued in one request, for half a second at most; the rest is lost."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
            if self._thread is not None:
                self._condition.wait_for(lambda: self._ended, EXIT_FLUSH_SECONDS)
            lost = len(self.batch_queue) + self._being_sent + self.dropped
        if lost:
            logger.warning("%d impressions were not sent to VWO before the process ended.", lost)

    def flush_callback(self, *args: Any) -> None:
        """Called by the SDK after each request; calls the callback in ``SDK_OPTIONS``."""
        if self._site_callback is not None:
            _call_and_log_errors(self._site_callback, *args)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="vwo-impressions", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        delay = 0.0
        while not self._closing:
            with self._condition:
                if delay:
                    self._condition.wait_for(self._is_urgent, delay)
                else:
                    self._condition.wait_for(self._is_due, self.interval_seconds)
                task = self.tasks.popleft() if self.tasks and not self._closing else None
            if task is not None:
                _call_and_log_errors(task)
            elif not self._closing:
                sent = self._send(self._take(self.events_per_request))
                longer = max(2 * delay, FIRST_RETRY_DELAY_SECONDS)
                delay = 0.0 if sent else min(longer, MAX_RETRY_DELAY_SECONDS)
        while self.batch_queue and self._send(self._take(MAX_EVENTS_PER_REQUEST)):
            pass
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def _is_urgent(self) -> bool:
        return self._closing or bool(self.tasks)

    def _is_due(self) -> bool:
        return self._is_urgent() or len(self.batch_queue) >= self.events_per_request

    def _take(self, limit: int) -> list[dict[str, Any]]:
        with self._condition:
            limit = 1 if self._posts_singly else limit
            count = min(limit, len(self.batch_queue))
            self._being_sent = count
            return [self.batch_queue.popleft() for _ in range(count)]

    def _post(self, batch: list[dict[str, Any]]) -> bool:
        account_id, sdk_key = app_settings.account_id, app_settings.sdk_key
        if self._posts_singly:
            [event] = batch
            return post_event(event, account_id, sdk_key)
        return bool(send_post_batch_request(batch, account_id, sdk_key, self.flush_callback))

    def _send(self, batch: list[dict[str, Any]]) -> bool:
        sent = not batch or self._post(batch)
        with self._condition:
            if not sent:
                self.batch_queue.extendleft(reversed(batch))
            if sent and self.dropped:
                logger.warning("%d impressions were dropped: the queue was full.", self.dropped)
                self.dropped = 0
            self._being_sent = 0
        return sent


def _call_and_log_errors(function: Callable[..., object], *args: Any) -> None:
    """Call code that is not ours: an error in it must not end the thread that sends."""
    try:
        function(*args)
    except Exception:
        logger.exception("An error occurred while impressions were being sent to VWO.")


impression_queue = PerProcess(ImpressionQueue)


def _close_at_exit() -> None:
    # a forked child inherits this hook, but what its parent queued is the parent's to send
    queue = impression_queue.peek()
    if queue is not None:
        queue.close()


atexit.register(_close_at_exit)
