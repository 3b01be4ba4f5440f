"""An HTTP session with VWO that is cheap to use again, and that another thread can shut."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter

from ..exceptions import BadStatus, FetchFailed, FetchTimedOut, TooLarge, VWOUnreachable

LARGEST_DOCUMENT_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 64 * 1024

CLOSED_BY_SERVER = (
    BrokenPipeError,
    ConnectionAbortedError,
    ConnectionResetError,
    ssl.SSLEOFError,
)


class Session:
    """GETs one URL, with parameters that change.

    What ``requests.Session.get`` does anew for each request is done once here: preparing it, and
    looking up proxies and certificates in the environment.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.host = urlsplit(url).netloc
        self.connections: list[Any] = []
        self.is_shut = False
        self._has_answered = False
        self._session = requests.Session()
        adapter = _WatchedAdapter(self)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def get(self, params: Mapping[str, Any], timeout_seconds: float) -> bytes:
        """The body of the answer. ``explain`` makes a ``FetchFailed`` of whatever this raises."""
        body = bytearray()
        with self._send(params, timeout_seconds) as response:
            if response.status_code != 200:
                raise BadStatus(f"VWO ({self.host}) answered HTTP {response.status_code}.")
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > LARGEST_DOCUMENT_BYTES:
                    raise TooLarge(
                        f"VWO's answer ({self.host}) is larger than "
                        f"{LARGEST_DOCUMENT_BYTES // 1024 // 1024} MiB."
                    )
        self._has_answered = True
        return bytes(body)

    def explain(self, error: Exception, timeout_seconds: float) -> FetchFailed:
        """What ``get`` raised, in our words: those of other libraries contain the SDK key."""
        if isinstance(error, FetchFailed):
            return error
        if isinstance(error, requests.Timeout):
            return FetchTimedOut(
                f"VWO ({self.host}) did not answer within {timeout_seconds:.1f} s."
            )
        return VWOUnreachable(f"No answer from VWO ({self.host}): {reason(error)}.")

    def shut(self) -> None:
        """Shut the sockets, so that a thread that waits in ``get`` gives up."""
        self.is_shut = True
        for connection in list(self.connections):
            sock = getattr(connection, "sock", None)
            if sock is not None:
                with suppress(OSError):  # it was closed already
                    sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._session.close()
        self.connections.clear()

    @cached_property
    def _request(self) -> requests.PreparedRequest:
        return self._session.prepare_request(requests.Request("GET", self.url))

    @cached_property
    def _environment(self) -> Any:
        return self._session.merge_environment_settings(self.url, {}, True, None, None)

    def _send(self, params: Mapping[str, Any], timeout_seconds: float) -> requests.Response:
        """The head of the answer; the request is sent once more where the kept connection is dead.

        A server may close a connection that idles just when the next request is on its way. Then
        no byte of an answer comes, which on a new connection would be a failure.
        """
        request = self._request.copy()
        request.url = f"{request.url}?{urlencode(params)}"
        try:
            return self._session.send(request, timeout=timeout_seconds, **self._environment)
        except requests.ConnectionError as error:
            closed = any(isinstance(cause, CLOSED_BY_SERVER) for cause in _causes(error))
            if not (closed and self._has_answered) or self.is_shut:
                raise
        self.close()
        return self._session.send(request, timeout=timeout_seconds, **self._environment)


class _WatchedAdapter(HTTPAdapter):
    """Lists the connections that it opens, since requests does not show them."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._owner = session

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if "ConnectionCls" not in vars(pool):
            pool.ConnectionCls = _watched(pool.ConnectionCls, self._owner)
        return pool


def _watched(connection_class: Any, session: Session) -> Any:
    class Watched(connection_class):
        def connect(self) -> None:
            session.connections.append(self)
            super().connect()
            if session.is_shut:
                # there was no socket yet when the others were shut
                raise ConnectionAbortedError

    return Watched


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and, one after another, those that led to it."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        yield cause
        seen.append(cause)
        inner = [getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__]
        cause = next((one for one in inner if isinstance(one, BaseException)), None)


def reason(error: BaseException) -> str:
    """The first cause, in words without a URL."""
    causes = list(_causes(error))
    for cause in reversed(causes):
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ConnectionResetError):
            return "connection reset"
        if isinstance(cause, socket.gaierror):
            return "unknown host"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not trusted"
    return type(causes[-1]).__name__
