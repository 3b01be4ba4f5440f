import contextlib
import socket
import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .base import Broadcast

PUBLISH_SECONDS = 0.5
"""For the connection and for each answer, so that no thread that rings lives for long."""

QUIET_SECONDS = 2.0
"""How long Redis may say nothing before it is pinged, and then before it counts as gone."""


class RedisBroadcast(Broadcast):
    """Rings over Redis pub/sub: a change is everywhere within milliseconds.

    ``url`` is what redis-py's ``from_url`` takes, for instance ``redis://cache:6379/0``. Needs
    the extra ``redis``. Redis may go away at any time; processes then poll the database.
    """

    pushes = True

    def __init__(self, *, url: str, poll_seconds: float = 1.0, thread: bool = True) -> None:
        super().__init__(poll_seconds=poll_seconds, thread=thread)
        self._publisher = redis.Redis.from_url(
            url,
            socket_timeout=PUBLISH_SECONDS,
            socket_connect_timeout=PUBLISH_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._subscriber: Any = redis.Redis.from_url(
            url,
            socket_timeout=QUIET_SECONDS,
            socket_connect_timeout=QUIET_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._subscription: redis.client.PubSub | None = None
        self._pinged_at: float | None = None
        self._closed = False

    def publish(self, channel: str) -> None:
        self._publisher.publish(channel, b"")

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        if self._closed:
            return False
        subscription = self._subscription
        if subscription is None:
            subscription = self._subscriber.pubsub(ignore_subscribe_messages=True)
            subscription.subscribe(channel)
            self._subscription = subscription
            self._pinged_at = None
            return True  # whatever rang before was not heard
        try:
            return self._hear(subscription, timeout_seconds)
        except Exception:
            self._subscription = None
            subscription.close()
            if self._closed:
                return False
            raise

    def _hear(self, subscription: redis.client.PubSub, timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        while (remaining := deadline - time.monotonic()) > 0 and not self._closed:
            message = subscription.get_message(timeout=min(remaining, QUIET_SECONDS))
            if message is not None:
                self._pinged_at = None
                if message["type"] == "message":
                    return True
            elif self._pinged_at is None:
                # a Redis that hangs, or whose machine is gone, says nothing at all
                subscription.ping()
                self._pinged_at = time.monotonic()
            elif time.monotonic() - self._pinged_at > QUIET_SECONDS:
                raise redis.TimeoutError("Redis has not answered a ping.")
        return False

    def close(self) -> None:
        self._closed = True
        subscription = self._subscription
        connection = subscription.connection if subscription is not None else None
        sock = getattr(connection, "_sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._publisher.close()
        self._subscriber.close()
