"""What waits for one destination, and what an answer means to it."""

import itertools
import random
import time
from collections import deque
from dataclasses import dataclass

from ...models.process import DropReason
from .posting import Answer, Destination, Outcome

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 15.0
"""Not longer, since what waits is lost if the process ends."""

MOST_POSTS_WITHOUT_ANSWER = 4
"""How often the same batch is sent where no answer comes: VWO may have it each time. Then it is
dropped, and single events are tried until VWO answers, so that a VWO that hangs costs few more."""

REFUSALS_ABOUT_EVENTS = 3
"""How many events that are refused one after another are taken for bad ones and dropped. Then
everything may be refused: single ones, chosen at random, are tried until VWO accepts one."""


@dataclass
class Batch:
    """Events next to each other in the queue."""

    start: int
    size: int
    unanswered: int = 0


@dataclass
class Dropped:
    reason: DropReason
    events: list[bytes]
    text: str


class Outbox:
    """Events for one destination in the order in which they happened, sent batch by batch.

    The caller locks: while a batch is being sent, events may be added, and nothing else done.
    """

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.events: deque[bytes] = deque()
        self.due_at = 0.0
        """When the next batch is to be sent, on the monotonic clock."""
        self.removed = 0
        """How many events have been accepted or dropped."""
        self._pause_seconds = 0.0
        self._unfinished: deque[Batch] = deque()
        self._refusals = 0
        self._probe: Batch | None = None
        self._is_silent = False
        """Whether a batch was dropped without an answer, and none has come since."""

    @property
    def is_pausing(self) -> bool:
        """Whether the last batch has to be sent again."""
        return self._pause_seconds > 0

    def add(self, event: bytes, events_per_request: int, interval_seconds: float) -> None:
        self.events.append(event)
        if self.is_pausing:
            return
        if len(self.events) == 1:
            self.due_at = time.monotonic() + interval_seconds
        if len(self.events) >= events_per_request:
            self.due_at = 0.0

    def next_batch(self, limit: int) -> Batch:
        """What is to be sent next, ``limit`` events at most; it stays in the queue meanwhile."""
        if self.destination.is_gateway or self._is_silent:
            limit = 1
        if self._refusals >= REFUSALS_ABOUT_EVENTS:
            if self._probe is None:
                place = random.randrange(len(self.events))  # noqa: S311 - guards nothing
                self._probe = Batch(place, 1)
            return self._probe
        if not self._unfinished:
            self._unfinished.append(Batch(0, min(limit, len(self.events))))
        return self._unfinished[0]

    def content(self, batch: Batch) -> list[bytes]:
        return list(itertools.islice(self.events, batch.start, batch.start + batch.size))

    def settle(
        self, batch: Batch, answer: Answer, events_per_request: int, interval_seconds: float
    ) -> Dropped | None:
        """Do what the answer to the batch demands; returns what is dropped."""
        dropped, recovers = None, self.is_pausing
        if answer.outcome not in (Outcome.UNSENT, Outcome.UNANSWERED):
            self._is_silent = False
        if answer.outcome is Outcome.ACCEPTED:
            self._remove(batch)
            self._refusals, self._pause_seconds = 0, 0.0
        elif answer.outcome is Outcome.REFUSED and batch is not self._probe:
            dropped = self._refuse(batch, answer)
        elif answer.outcome is Outcome.UNANSWERED:
            dropped = self._count_unanswered(batch, answer)
        else:
            self._release(batch)
            self._pause()
        if not self.is_pausing:
            # what was queued during the pause has waited for long enough
            more = self._unfinished or recovers or len(self.events) >= events_per_request
            self.due_at = 0.0 if more else time.monotonic() + interval_seconds
        return dropped

    def _release(self, batch: Batch) -> None:
        """Choose again what is sent next, unless VWO may have some of these events."""
        if batch.unanswered:
            return
        if batch is self._probe:
            self._probe = None
        elif len(self._unfinished) == 1:
            self._unfinished.clear()

    def _refuse(self, batch: Batch, answer: Answer) -> Dropped | None:
        if batch.size > 1:
            half = batch.size // 2
            self._unfinished[0] = Batch(0, half, batch.unanswered)
            self._unfinished.insert(1, Batch(0, batch.size - half, batch.unanswered))
            self._pause_seconds = 0.0
            return None
        self._refusals += 1
        dropped = Dropped(DropReason.REFUSED, self._remove(batch), answer.text)
        if self._refusals < REFUSALS_ABOUT_EVENTS:
            self._pause_seconds = 0.0
        else:
            self._unfinished.clear()
            self._pause()
        return dropped

    def _count_unanswered(self, batch: Batch, answer: Answer) -> Dropped | None:
        self._pause()
        batch.unanswered += 1
        if batch.unanswered < MOST_POSTS_WITHOUT_ANSWER:
            return None
        self._is_silent = True
        return Dropped(DropReason.UNANSWERED, self._remove(batch), answer.text)

    def _remove(self, batch: Batch) -> list[bytes]:
        events = self.content(batch)
        for _ in events:
            del self.events[batch.start]
        self.removed += len(events)
        if batch is self._probe:
            self._probe = None
        else:
            self._unfinished.popleft()
        return events

    def _pause(self) -> None:
        longer = max(2 * self._pause_seconds, FIRST_PAUSE_SECONDS)
        self._pause_seconds = min(longer, LONGEST_PAUSE_SECONDS)
        # jitter, since the other processes have failed at the same time
        share = random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        self.due_at = time.monotonic() + self._pause_seconds * share
