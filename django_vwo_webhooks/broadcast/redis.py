import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .base import Broadcast

PUBLISHER_TIMEOUT_SECONDS = 0.5
"""For connecting and for each answer, so that no publishing thread lives for long."""

SUBSCRIBER_TIMEOUT_SECONDS = 2.0
"""For connecting, for each answer, and for the silence after which Redis is pinged."""


class RedisBroadcast(Broadcast):
    """Publishes over Redis pub/sub: every process has a change within milliseconds.

    ``url`` is what redis-py's ``from_url`` takes, for instance ``redis://cache:6379/0``. Needs
    the extra ``redis``. While Redis can't be reached, processes poll the database.
    """

    pushes = True

    def __init__(self, *, url: str, poll_seconds: float = 1.0, thread: bool = True) -> None:
        super().__init__(poll_seconds=poll_seconds, thread=thread)
        self._publisher = _client(url, PUBLISHER_TIMEOUT_SECONDS)
        self._subscriber: Any = _client(url, SUBSCRIBER_TIMEOUT_SECONDS)
        self._subscription: Any = None
        self._pinged_at: float | None = None
        self._closed = False

    def publish(self, channel: str) -> None:
        self._publisher.publish(channel, b"")

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        if self._closed:
            return False
        subscribing = self._subscription is None
        if subscribing:
            self._subscription = self._subscriber.pubsub()
            self._pinged_at = None
        try:
            if subscribing:
                self._subscribe(channel)
                return True  # something may have been published before
            return self._wait(timeout_seconds)
        except Exception:
            self._subscription.close()
            self._subscription = None
            if self._closed:
                return False
            raise

    def _subscribe(self, channel: str) -> None:
        self._subscription.subscribe(channel)
        # until Redis confirms it, what others publish may be processed first
        if self._subscription.get_message(timeout=SUBSCRIBER_TIMEOUT_SECONDS) is None:
            raise redis.TimeoutError("Redis has not confirmed the subscription.")

    def _wait(self, timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        while not self._closed:
            remaining = max(0.0, deadline - time.monotonic())
            message = self._subscription.get_message(
                timeout=min(remaining, SUBSCRIBER_TIMEOUT_SECONDS)
            )
            if message is not None:
                self._pinged_at = None
                if message["type"] == "message":
                    return True
            elif remaining == 0:
                return False
            elif self._pinged_at is None:
                # a Redis that hangs, or whose machine is gone, sends nothing at all
                self._subscription.ping()
                self._pinged_at = time.monotonic()
            elif time.monotonic() - self._pinged_at > SUBSCRIBER_TIMEOUT_SECONDS:
                raise redis.TimeoutError("Redis has not answered a ping.")
        return False

    def close(self) -> None:
        self._closed = True
        subscription = self._subscription
        if subscription is not None and subscription.connection is not None:
            # which ends the wait of the listening thread
            subscription.connection.disconnect()
        self._publisher.close()
        self._subscriber.close()


def _client(url: str, timeout_seconds: float) -> redis.Redis:
    """A client that does not retry: a lost notification costs less than a second try."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
