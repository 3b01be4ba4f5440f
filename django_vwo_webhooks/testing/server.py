"""The HTTP server of the simulator: what goes over the wire, and that it can stop at once."""

import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Protocol

from django_vwo_webhooks.testing.answers import Answer
from django_vwo_webhooks.testing.behaviour import Behaviour

LINGER_ZERO = struct.pack("ii", 1, 0)
STOP_SECONDS = 0.9
ENDLESS_CHUNK = b" " * 65536


class App(Protocol):
    """What the server asks for answers."""

    def handle(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Return the answer to a request, at once."""
        ...


class Server(ThreadingHTTPServer):
    """Serves an ``App``; ``close`` cuts every connection and leaves no thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App) -> None:
        self.app = app
        self.closing = threading.Event()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._guard = threading.Lock()
        super().__init__(address, Handler)
        self._acceptor = threading.Thread(
            target=self.serve_forever, args=(0.05,), name="vwo-simulator", daemon=True
        )
        self._acceptor.start()

    def server_bind(self) -> None:
        """Bind without the look-up of the host's full name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def close(self) -> None:
        """Refuse connections from now on, cut those under way and wait for their threads."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._guard:
            under_way = dict(self._connections)
            for connection in under_way.values():
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        end = time.monotonic() + STOP_SECONDS
        for thread in (self._acceptor, *under_way):
            if thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a daemon thread that ``close`` knows of."""
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
        """Handle a connection, and forget it at its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._connections.pop(threading.current_thread(), None)

    def shutdown_request(self, request: Any) -> None:
        """Close without a FIN of its own, which would come before a wanted reset."""
        with self._guard:
            self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about clients that went away; any other error is told."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 for one connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer("POST")

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""

    def _answer(self, method: str) -> None:
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdecimal() else b""
        answer = self.server.app.handle(method, self.path, self.headers, body)
        behaviour = answer.behaviour
        if self.server.closing.wait(behaviour.delay):
            self.close_connection = True
        elif behaviour.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
            self.close_connection = True
        else:
            self._write(answer, behaviour)

    def _write(self, answer: Answer, behaviour: Behaviour) -> None:
        body = answer.body()
        lines = [
            f"HTTP/1.1 {answer.status} {answer.phrase}",
            f"Content-Type: {answer.content_type}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
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
            self._trickle(head, behaviour.drip if behaviour.drip_headers else None)
            self._trickle(body, behaviour.drip)
        while behaviour.endless and not self.server.closing.is_set():
            self._trickle(ENDLESS_CHUNK, behaviour.drip)

    def _trickle(self, data: bytes, seconds: float | None) -> None:
        """Write byte by byte with a pause before each, or all at once when None."""
        if seconds is None:
            self.wfile.write(data)
            return
        for position in range(len(data)):
            if self.server.closing.wait(seconds):
                self.close_connection = True
                return
            self.wfile.write(data[position : position + 1])
