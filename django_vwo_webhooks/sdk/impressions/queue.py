"""The queue of impressions, and the thread that sends them."""

import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

from ...conf import app_settings
from ...log_once import LogOnce
from ...models.process import DropReason
from ...sdk_options import batching
from ...sdk_options.readers import MAX_EVENTS_PER_REQUEST
from .drops import Drops
from .encoding import NotEncodable, encode, event_name, name_of
from .outbox import Dropped, Outbox
from .posting import Answer, Destination, Outcome, post

logger = logging.getLogger("django_vwo_webhooks.sdk")

MAX_QUEUED_IMPRESSIONS = 10_000
MAX_QUEUED_TASKS = 100
EXIT_FLUSH_SECONDS = 0.5
"""How long the end of the process may be delayed by what is still queued."""


class ImpressionsNotSent(Exception):
    """Why impressions could not be sent, in our words: the SDK key is in the URL."""


class ImpressionQueue:
    """A queue with the interface of the SDK's ``BatchEventQueue``, and the thread that sends it.

    The SDK's own queue has a timer that keeps the process alive, and joins a thread pool at exit;
    this one ends with the process. Each event belongs to the account, key and host of the moment
    in which it was queued. The queue holds 10,000 events; newer ones are dropped and counted.
    """

    def __init__(self, at_start: Callable[[], None] = lambda: None) -> None:
        self.options = batching(app_settings.sdk_options)
        self.tasks: deque[Callable[[], object]] = deque(maxlen=MAX_QUEUED_TASKS)
        self._tasks_due_at = 0.0
        self.dropped = Drops()
        self._at_start = at_start
        self._pid = os.getpid()
        self._outboxes: dict[Destination, Outbox] = {}
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        """Held while a batch is being sent, since only what is sent next depends on its answer."""
        self._thread: threading.Thread | None = None
        self._closing = False
        self._queued = self._queued_at_close = 0
        self._last_event = threading.local()
        self._log = LogOnce("sending impressions to VWO", "they wait, and it is retried")

    @property
    def batch_queue(self) -> list[bytes]:
        """What waits, as JSON."""
        with self._changed:
            return [event for outbox in self._outboxes.values() for event in outbox.events]

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return sum(len(outbox.events) for outbox in list(self._outboxes.values()))

    def enqueue(self, event: dict[str, Any]) -> None:
        """Queue one event; returns at once, and never raises because of the event.

        In a test run that names no stand-in for VWO the event is dropped.
        """
        if app_settings.offline:
            return
        try:
            encoded = encode(event)
        except NotEncodable as error:
            self.dropped.note(DropReason.NOT_JSON, [name_of(event)], str(error))
            self._last_event.was_dropped = True
            return
        destination = Destination.current()
        with self._changed:
            full = self.waiting >= MAX_QUEUED_IMPRESSIONS
            if not full:
                self._add(destination, encoded)
        self._last_event.was_dropped = full
        if full:
            text = f"{self.waiting} wait already"
            self.dropped.note(DropReason.QUEUE_FULL, [name_of(event)], text)

    def last_event_was_dropped(self) -> bool:
        """Whether the last event that this thread has queued was dropped at once."""
        return getattr(self._last_event, "was_dropped", False)

    def run_in_background(self, task: Callable[[], object]) -> None:
        """Queue another request that the SDK wants to make, a debug event in most cases.

        At most 100 are queued; beyond that the oldest is dropped. Batches that are due go first.
        It waits as long as an event does: a process that ends soon would wait for its answer, and
        have no time left to send impressions.
        """
        if app_settings.offline:
            return
        with self._changed:
            if not self.tasks:
                self._tasks_due_at = time.monotonic() + self.options.request_time_interval
            self.tasks.append(task)
            self._start()
            self._changed.notify_all()

    def flush_and_clear_timer(self) -> bool:
        """Send now what is queued, in the caller's thread (``client.flush_events()``).

        True when nothing of it is left, False as soon as something has to be sent again.
        """
        with self._changed:
            goals = [(each, each.removed + len(each.events)) for each in self._outboxes.values()]
        # each of them, also after one that fails
        flushed = [self._flush(outbox, goal) for outbox, goal in goals]
        return all(flushed)

    def close(self) -> None:
        """Send what is queued, for half a second at most; what is left then is lost.

        The thread ends. An event that is queued later starts another one.
        """
        with self._changed:
            if self._queued == self._queued_at_close:
                return
            self._queued_at_close = self._queued
            if self._thread is not None:
                self._closing = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: not self._closing, EXIT_FLUSH_SECONDS)
            lost = self.waiting
        if lost:
            logger.warning("%d impressions were not sent to VWO before the process ended.", lost)

    def clear(self) -> None:
        """Forget what is queued, as tests do."""
        with self._changed:
            self._outboxes.clear()
            self.tasks.clear()

    def discard(self) -> None:
        """Send nothing more, and wait a moment for the end of a request that is under way."""
        self.clear()
        with self._changed:
            thread = self._thread
            if thread is not None:
                self._closing = True
                self._changed.notify_all()
        if thread is not None:
            thread.join(EXIT_FLUSH_SECONDS)

    def _add(self, destination: Destination, encoded: bytes) -> None:
        outbox = self._outboxes.get(destination)
        if outbox is None:
            for other in [each for each in self._outboxes.values() if not each.events]:
                del self._outboxes[other.destination]
            outbox = self._outboxes[destination] = Outbox(destination)
        due_before = outbox.due_at
        outbox.add(encoded, self.options.events_per_request, self.options.request_time_interval)
        self._queued += 1
        self._start()
        if outbox.due_at != due_before or len(outbox.events) == 1:
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="vwo-impressions", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # while the interpreter ends, for example; the next event tries again
            self._thread = thread
            self._at_start()

    def _run(self) -> None:
        try:
            while (work := self._next_work()) is not None:
                if isinstance(work, Outbox):
                    self._send(work, self.options.events_per_request)
                else:
                    _run_task(work)
            if self._is_inherited():
                return
            for outbox in list(self._outboxes.values()):
                self._flush(outbox, outbox.removed + len(outbox.events), MAX_EVENTS_PER_REQUEST)
        finally:
            with self._changed:
                self._closing, self._thread = False, None
                self._changed.notify_all()

    def _is_inherited(self) -> bool:
        """Whether this is a forked child, in which gevent lets the thread go on: what is queued
        stays the parent's, which sends it."""
        return self._pid != os.getpid()

    def _next_work(self) -> Outbox | Callable[[], object] | None:
        """Wait for the next thing to do: a batch or else a task that is due, or None at the end."""
        with self._changed:
            while not (self._closing or self._is_inherited()):
                now = time.monotonic()
                filled = [outbox for outbox in self._outboxes.values() if outbox.events]
                first = min(filled, key=lambda outbox: outbox.due_at, default=None)
                if first is not None and first.due_at <= now:
                    return first
                if self.tasks and self._tasks_due_at <= now:
                    return self.tasks.popleft()
                due_at = min(
                    first.due_at if first is not None else inf,
                    self._tasks_due_at if self.tasks else inf,
                )
                self._changed.wait(None if due_at == inf else due_at - now)
        return None

    def _flush(self, outbox: Outbox, goal: int, limit: int | None = None) -> bool:
        """Send until ``goal`` events have been removed, or until one has to be sent again."""
        limit = limit or self.options.events_per_request
        while outbox.removed < goal:
            self._send(outbox, limit)
            if outbox.is_pausing:
                return False
        return True

    def _send(self, outbox: Outbox, limit: int) -> None:
        """Send one batch once."""
        with self._sending:
            with self._changed:
                if not outbox.events:
                    return
                batch = outbox.next_batch(limit)
                events = outbox.content(batch)
            answer = post(outbox.destination, events)
            # first, so that whoever sees what became of the batch also finds it in the log
            self._log_answer(answer)
            with self._changed:
                options = self.options
                dropped = outbox.settle(
                    batch, answer, options.events_per_request, options.request_time_interval
                )
                # where this is a flush, the thread waits for the time that was due before
                self._changed.notify_all()
        self._report(answer, events, dropped)

    def _log_answer(self, answer: Answer) -> None:
        if answer.outcome is Outcome.ACCEPTED:
            self._log.succeeded()
        elif answer.outcome is not Outcome.REFUSED:
            self._log.failed(ImpressionsNotSent(answer.text))

    def _report(self, answer: Answer, events: list[bytes], dropped: Dropped | None) -> None:
        """Count and log what was dropped, and call the callback in ``SDK_OPTIONS``."""
        if dropped is not None:
            names = [event_name(event) for event in dropped.events]
            self.dropped.note(dropped.reason, names, dropped.text)
        if self.options.flush_callback is not None:
            try:
                self.options.flush_callback(answer.text or None, [json.loads(e) for e in events])
            except Exception:
                logger.exception("The flush_callback in SDK_OPTIONS has failed.")


def _run_task(task: Callable[[], object]) -> None:
    try:
        task()
    except Exception as error:
        # without its text, which may contain the SDK key
        logger.warning("A debug event was not sent to VWO (%s).", type(error).__name__)
