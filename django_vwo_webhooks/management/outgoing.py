"""Sends webhooks as VWO does: a JSON body with the secret in a header, retried until a 2xx."""

import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

SECRET_HEADER = "x-vwo-auth"  # noqa: S105 - the name of a header
MAX_RESPONSE_BYTES = 65536


class DeliveryAttempt(NamedTuple):
    """One delivery; ``status`` is None when there was no response, and ``error`` then says why.

    ``location`` is where a redirect leads to.
    """

    status: int | None
    seconds: float
    body: str
    error: str | None
    location: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver answered with a 2xx, the only thing that VWO takes as success."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def answer(self) -> dict[str, Any]:
        """The JSON object in the body; empty if the body is not one."""
        try:
            answer = json.loads(self.body)
        except ValueError:
            return {}
        return answer if isinstance(answer, dict) else {}

    @property
    def message(self) -> str:
        """What the webhook reports in its answer."""
        answer = self.answer
        if self.status == 400 and "detail" not in answer:
            return "; ".join(f"{field}: {problem}" for field, problem in answer.items())
        return str(answer.get("message") or answer.get("detail") or "")

    @property
    def is_from_webhook(self) -> bool:
        """Whether the body is one that the webhook answers with: what is in front of it, or beside
        it, answers with HTML in most cases."""
        keys = {"event"} if self.succeeded else {"event", "detail"}
        return bool(keys & self.answer.keys()) or (self.status == 400 and bool(self.answer))


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


class OutgoingWebhook:
    """A webhook that is sent to ``url``; every attempt sends the same bytes.

    Raises ``ValueError`` when ``url`` is not an absolute http or https URL, or ``secret`` can't be
    sent in a header. ``on_attempt`` is called after each attempt, in the thread that sends.
    """

    def __init__(
        self,
        url: str,
        payload: dict[str, Any],
        secret: str,
        *,
        on_attempt: Callable[[DeliveryAttempt], None] | None = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        address = urlsplit(url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError(f"A webhook needs an absolute http or https URL, not {url!r}")
        _ = address.port  # raises ValueError for one that is not a port
        if not secret.isprintable() or not secret.isascii():
            raise ValueError("The secret can't be sent in a header: use printable ASCII characters")
        self.url = url
        self.payload = payload
        self.created_at = time.time()
        """In Unix seconds."""
        self._address = address
        self._body = json.dumps(payload).encode()
        self._secret = secret
        self._on_attempt = on_attempt
        self._timeout_seconds = timeout_seconds
        self._attempts: list[DeliveryAttempt] = []
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._ended = threading.Event()

    @property
    def attempts(self) -> list[DeliveryAttempt]:
        """The attempts made so far, oldest first."""
        with self._lock:
            return list(self._attempts)

    @property
    def delivered(self) -> bool:
        """Whether an attempt was answered with a 2xx."""
        return any(attempt.succeeded for attempt in self.attempts)

    @property
    def is_sending(self) -> bool:
        """Whether ``run`` has not ended yet."""
        return not self._ended.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds until ``run`` ends; True if there was a 2xx."""
        self._ended.wait(timeout)
        return self.delivered

    def run(self, retry_seconds: tuple[float, float], give_up_seconds: float) -> bool:
        """Send until there is a 2xx, the time is up or ``cancel`` is called; True for a 2xx.

        Waits between two attempts for a random time within ``retry_seconds``.
        """
        give_up_at = time.monotonic() + give_up_seconds
        try:
            while not self._cancelled.is_set():
                pause = random.uniform(*retry_seconds)  # noqa: S311 - not for secrets
                if self.attempt().succeeded or time.monotonic() + pause > give_up_at:
                    break
                self._cancelled.wait(pause)
        finally:
            self._ended.set()
        return self.delivered

    def attempt(self) -> DeliveryAttempt:
        """Send once and return the result; network errors are returned in it, never raised."""
        started_at = time.monotonic()
        status, body, location, error = None, "", None, None
        try:
            status, body, location = self._post()
        except (OSError, HTTPException, UnicodeError) as problem:
            error = self._explain(problem)
        attempt = DeliveryAttempt(status, time.monotonic() - started_at, body, error, location)
        with self._lock:
            self._attempts.append(attempt)
        if self._on_attempt:
            self._on_attempt(attempt)
        return attempt

    def cancel(self) -> None:
        """Stop sending, even in the middle of an attempt."""
        self._cancelled.set()
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _explain(self, problem: Exception) -> str:
        if isinstance(problem, TimeoutError):
            return f"no response within {self._timeout_seconds:g} s"
        if isinstance(problem, ConnectionRefusedError):
            return "connection refused"
        if isinstance(problem, (socket.gaierror, UnicodeError)):
            return "unknown host"
        if isinstance(problem, ssl.SSLCertVerificationError):
            return f"TLS: {problem.verify_message}"
        if isinstance(problem, ssl.SSLError):
            return f"TLS: {problem.reason or type(problem).__name__}"
        reason = getattr(problem, "strerror", None)
        return f"no response: {reason or type(problem).__name__}"

    def _post(self) -> tuple[int, str, str | None]:
        """Post with http.client: ``cancel`` needs the socket, and VWO follows no redirects."""
        connection = self._connect()
        try:
            path = self._address.path or "/"
            target = f"{path}?{self._address.query}" if self._address.query else path
            headers = {"Content-Type": "application/json", SECRET_HEADER: self._secret}
            connection.request("POST", target, self._body, headers)
            response = connection.getresponse()
            body = response.read(MAX_RESPONSE_BYTES).decode(errors="replace")
            return response.status, body, response.getheader("Location")
        finally:
            with self._lock:
                self._socket = None
            connection.close()

    def _connect(self) -> HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        connection: HTTPConnection
        if self._address.scheme == "https":
            context = ssl.create_default_context()
            connection = HTTPSConnection(host, port, timeout=self._timeout_seconds, context=context)
        else:
            connection = HTTPConnection(host, port, timeout=self._timeout_seconds)
        connection.connect()
        with self._lock:
            self._socket = connection.sock
        if self._cancelled.is_set():
            connection.close()
            raise ConnectionAbortedError
        return connection
