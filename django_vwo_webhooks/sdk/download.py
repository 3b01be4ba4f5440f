"""One GET with a deadline that holds whatever the server does."""

import socket
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from ..exceptions import BadStatus, FetchFailed, FetchTimedOut, TooLarge, VWOUnreachable
from ..process import PerProcess

LARGEST_DOCUMENT_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 64 * 1024

KEEP_SECONDS = 15.0
"""How long an idle connection may be used again; after longer ones a firewall may have cut it."""


def download(url: str, params: Mapping[str, Any], *, timeout_seconds: float) -> bytes:
    """The body of the answer, whole, within ``timeout_seconds`` of the monotonic clock.

    The time-outs of sockets start anew with each byte, so they bound nothing when a server drips,
    and none of them covers the look-up of the host's name. The request therefore runs on a thread
    of its own, which is left behind at the deadline; its sockets are shut, so that it ends too.

    Raises a child of ``FetchFailed``.
    """
    work = _Download(url, params, timeout_seconds)
    threading.Thread(target=work.run, name="vwo-fetch", daemon=True).start()
    if not work.done.wait(timeout_seconds):
        work.abandon()
        raise FetchTimedOut(
            f"VWO ({work.host}) did not answer in full within {timeout_seconds:.1f} s."
        )
    if work.failure is not None:
        raise work.failure
    return work.body


class _Line:
    """A session with VWO, whose sockets another thread can shut."""

    def __init__(self) -> None:
        self.connections: list[Any] = []
        self.session = requests.Session()
        adapter = _WatchedAdapter(self.connections)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self.used_at = 0.0

    @classmethod
    def take(cls) -> "_Line":
        """The line that was put back last if it is fresh enough, else a new one."""
        try:
            line = _kept().pop()
        except IndexError:
            return cls()
        if time.monotonic() - line.used_at < KEEP_SECONDS:
            return line
        line.session.close()
        return cls()

    def put_back(self) -> None:
        self.used_at = time.monotonic()
        _kept().append(self)

    def shut(self) -> None:
        """Make whoever waits for an answer give up."""
        for connection in self.connections:
            sock = getattr(connection, "sock", None)
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed already, which is what was wanted


_kept: PerProcess[list[_Line]] = PerProcess(list)


class _Download:
    def __init__(self, url: str, params: Mapping[str, Any], timeout_seconds: float) -> None:
        self.url = url
        self.params = params
        self.timeout_seconds = timeout_seconds
        self.host = urlsplit(url).netloc
        self.done = threading.Event()
        self.abandoned = False
        self.failure: FetchFailed | None = None
        self.body = b""
        self.line = _Line.take()

    def run(self) -> None:
        try:
            self.body = self._read()
        except FetchFailed as error:
            self.failure = error
        except requests.Timeout:
            self.failure = FetchTimedOut(
                f"VWO ({self.host}) did not answer within {self.timeout_seconds:.1f} s."
            )
        except requests.RequestException as error:
            self.failure = VWOUnreachable(f"No answer from VWO ({self.host}): {_reason(error)}.")
        except Exception as error:  # a shut socket raises whatever the layer above makes of it
            self.failure = VWOUnreachable(
                f"No answer from VWO ({self.host}): {type(error).__name__}."
            )
        else:
            if not self.abandoned:
                self.line.put_back()
        finally:
            if self.failure is not None or self.abandoned:
                self.line.session.close()
            self.done.set()

    def _read(self) -> bytes:
        body = bytearray()
        with self.line.session.get(
            self.url, params=self.params, stream=True, timeout=self.timeout_seconds
        ) as response:
            if response.status_code != 200:
                raise BadStatus(f"VWO ({self.host}) answered HTTP {response.status_code}.")
            for chunk in response.iter_content(CHUNK_BYTES):
                body += chunk
                if len(body) > LARGEST_DOCUMENT_BYTES:
                    raise TooLarge(
                        f"VWO's answer ({self.host}) is larger than "
                        f"{LARGEST_DOCUMENT_BYTES // 1024 // 1024} MiB."
                    )
                if self.abandoned:
                    break
        return bytes(body)

    def abandon(self) -> None:
        self.abandoned = True
        self.line.shut()


class _WatchedAdapter(HTTPAdapter):
    """Remembers the connections that it opens, so that another thread can shut them."""

    def __init__(self, connections: list[Any]) -> None:
        super().__init__()
        self.connections = connections

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if "ConnectionCls" not in vars(pool):
            pool.ConnectionCls = partial(self._watched, pool.ConnectionCls)
        return pool

    def _watched(self, connect: Any, *args: Any, **kwargs: Any) -> Any:
        connection = connect(*args, **kwargs)
        self.connections.append(connection)
        return connection


def _reason(error: BaseException | None) -> str:
    """The cause at the bottom of a chain, in words without any URL."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        inner = getattr(error, "reason", None)
        nested = [arg for arg in error.args if isinstance(arg, BaseException)]
        error = (
            inner
            if isinstance(inner, BaseException)
            else (nested[0] if nested else error.__cause__ or error.__context__)
        )
    for cause in reversed(seen):
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ConnectionResetError):
            return "connection reset"
        if isinstance(cause, socket.gaierror):
            return "unknown host"
    return type(seen[-1]).__name__ if seen else "no connection"
