"""The simulator's HTTP server: injects faults into responses, and can be stopped at any moment."""

import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Protocol

from django_vwo_webhooks.testing.fault_injection import HEALTHY, Behaviour

JSON = "application/json"
LINGER_ZERO = struct.pack("ii", 1, 0)
POLL_SECONDS = 0.01
STOP_SECONDS = 0.9
ENDLESS_CHUNK = b" " * 65536


@dataclass(frozen=True)
class Response:
    """A response before it is sent, with the faults to inject.

    ``body`` is called when the response is sent, after the delay of ``behaviour``.
    """

    body: Callable[[], bytes]
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    behaviour: Behaviour = HEALTHY

    @property
    def phrase(self) -> str:
        """The reason phrase of the status code."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "Unknown"


class App(Protocol):
    """What the server passes requests to."""

    def handle(self, method: str, path: str, headers: Any, body: bytes) -> Response:
        """Return the response to a request, without waiting."""
        ...


class Server(ThreadingHTTPServer):
    """Serves an ``App``; ``close`` cuts every connection and ends every thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App) -> None:
        self.app = app
        self.closing = threading.Event()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._guard = threading.Lock()
        super().__init__(address, Handler)
        self._acceptor = threading.Thread(
            target=self.serve_forever, args=(POLL_SECONDS,), name="vwo-simulator", daemon=True
        )
        self._acceptor.start()

    def server_bind(self) -> None:
        """Bind without looking up the host's full name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def close(self) -> None:
        """Refuse new connections, cut the open ones and wait for their threads."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._guard:
            connections = dict(self._connections)
            for connection in connections.values():
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        give_up_at = time.monotonic() + STOP_SECONDS
        for thread in (self._acceptor, *connections):
            if thread is not threading.current_thread():
                thread.join(max(0.0, give_up_at - time.monotonic()))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a daemon thread that ``close`` waits for."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="vwo-simulator-request",
            daemon=True,
        )
        with self._guard:
            self._connections[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._connections.pop(threading.current_thread(), None)

    def shutdown_request(self, request: Any) -> None:
        """Close without a FIN, which would be sent before the reset that a test asked for."""
        with self._guard:
            self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print errors, but not those of clients that disconnected."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 for one connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._respond("GET")

    def do_POST(self) -> None:
        """Answer a POST."""
        self._respond("POST")

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Do not log requests."""

    def _respond(self, method: str) -> None:
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdecimal() else b""
        response = self.server.app.handle(method, self.path, self.headers, body)
        behaviour = response.behaviour
        if self.server.closing.wait(behaviour.delay):
            self.close_connection = True
        elif behaviour.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
            self.close_connection = True
        else:
            self._write(response)

    def _write(self, response: Response) -> None:
        body, behaviour = response.body(), response.behaviour
        lines = [
            f"HTTP/1.1 {response.status} {response.phrase}",
            f"Content-Type: {response.content_type}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        if behaviour.endless:
            lines.append("Connection: close")
        else:
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if behaviour.truncate:
            body = body[: len(body) // 2]
        if behaviour.endless or behaviour.truncate:
            self.close_connection = True
        if behaviour.drip is None:
            self.wfile.write(head + body)
        else:
            self._drip(head, behaviour.drip if behaviour.drip_headers else None)
            self._drip(body, behaviour.drip)
        while behaviour.endless and not self.server.closing.is_set():
            self._drip(ENDLESS_CHUNK, behaviour.drip)

    def _drip(self, data: bytes, seconds: float | None) -> None:
        """Write byte by byte with a pause before each, or everything at once when None."""
        if seconds is None:
            self.wfile.write(data)
            return
        for position in range(len(data)):
            if self.server.closing.wait(seconds):
                self.close_connection = True
                return
            self.wfile.write(data[position : position + 1])
