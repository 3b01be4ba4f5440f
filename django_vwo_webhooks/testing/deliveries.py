"""Sends webhooks as VWO does: one JSON body, a secret in a header, again until a 2xx."""

import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

SECRET_HEADER = "x-vwo-auth"  # noqa: S105 - the name of a header
MAX_ANSWER_BYTES = 65536


@dataclass(frozen=True)
class Attempt:
    """One try: ``status`` is None when no answer came, then ``error`` says why."""

    status: int | None
    seconds: float
    body: str
    error: str | None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver answered 2xx, the only thing that VWO takes for a success."""
        return self.status is not None and 200 <= self.status < 300


def webhook_payload(
    action: str = "feature_flag_updated",
    event: str = "settings_changed",
    triggered_by: str = "vwo",
    timestamp: int | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Return the body that VWO posts; ``timestamp`` is in Unix seconds, now when None."""
    return {
        "timestamp": int(time.time()) if timestamp is None else timestamp,
        "event": event,
        "action": action,
        "triggered_by": triggered_by,
        **extra,
    }


class Delivery:
    """One webhook on its way to ``url``; every attempt sends the very same body.

    Raises ``ValueError`` when ``url`` is not an absolute http or https URL. ``on_attempt`` is
    called after each attempt, in the thread that sends.
    """

    def __init__(
        self,
        url: str,
        payload: dict[str, Any],
        secret: str,
        *,
        on_attempt: Callable[[Attempt], None] | None = None,
        answer_seconds: float = 30.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"A webhook goes to an absolute http or https URL, not to {url!r}")
        self.url = url
        self.payload = payload
        self._parts = parts
        self._body = json.dumps(payload).encode()
        self._secret = secret
        self._on_attempt = on_attempt
        self._answer_seconds = answer_seconds
        self._attempts: list[Attempt] = []
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._ended = threading.Event()

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts made so far, oldest first."""
        with self._lock:
            return list(self._attempts)

    @property
    def delivered(self) -> bool:
        """Whether a 2xx came."""
        return any(attempt.succeeded for attempt in self.attempts)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds for the end; True when a 2xx came."""
        self._ended.wait(timeout)
        return self.delivered

    def run(self, retry_seconds: tuple[float, float], give_up_seconds: float) -> bool:
        """Send until a 2xx comes, the time is up or ``cancel`` is called; True for a 2xx.

        A random time within ``retry_seconds`` passes between two attempts.
        """
        give_up_at = time.monotonic() + give_up_seconds
        try:
            while not self._cancelled.is_set():
                pause = random.uniform(*retry_seconds)
                if self.attempt().succeeded or time.monotonic() + pause > give_up_at:
                    break
                self._cancelled.wait(pause)
        finally:
            self._ended.set()
        return self.delivered

    def attempt(self) -> Attempt:
        """Send once and return what came back; never raises for what the network does."""
        began = time.monotonic()
        status, body, error = None, "", None
        try:
            status, body = self._post()
        except TimeoutError:
            error = f"no answer within {self._answer_seconds:g} s"
        except ConnectionRefusedError:
            error = "connection refused"
        except (OSError, HTTPException) as problem:
            error = f"no answer: {type(problem).__name__}"
        attempt = Attempt(status, time.monotonic() - began, body, error)
        with self._lock:
            self._attempts.append(attempt)
        if self._on_attempt:
            self._on_attempt(attempt)
        return attempt

    def cancel(self) -> None:
        """Stop sending, also in the middle of an attempt."""
        self._cancelled.set()
        with self._lock:
            if self._connection is not None:
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)

    def _post(self) -> tuple[int, str]:
        """Post with http.client: ``cancel`` needs the socket, and VWO follows no redirect."""
        connection = self._connect()
        try:
            path = self._parts.path or "/"
            target = f"{path}?{self._parts.query}" if self._parts.query else path
            headers = {"Content-Type": "application/json", SECRET_HEADER: self._secret}
            connection.request("POST", target, self._body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(MAX_ANSWER_BYTES).decode(errors="replace")
        finally:
            with self._lock:
                self._connection = None
            connection.close()

    def _connect(self) -> HTTPConnection:
        host, port, seconds = self._parts.hostname or "", self._parts.port, self._answer_seconds
        connection: HTTPConnection
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            connection = HTTPSConnection(host, port, timeout=seconds, context=context)
        else:
            connection = HTTPConnection(host, port, timeout=seconds)
        connection.connect()
        with self._lock:
            self._connection = connection.sock
        if self._cancelled.is_set():
            connection.close()
            raise ConnectionAbortedError
        return connection
