"""A server that does to each connection what a test's script says, byte for byte."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("localhost.pem")
RESET = struct.pack("ii", 1, 0)


class Connection:
    """One connection to the server."""

    def __init__(self, server: "ScriptedServer", sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.file = sock.makefile("rb")

    def read_request(self) -> None:
        """Wait for a request without a body, and note its first line."""
        first = line = self.file.readline()
        while line != b"\r\n":
            if not line:
                raise ConnectionError("the client has closed the connection")
            line = self.file.readline()
        self.server.requests.append(first.decode().strip())

    def answer(self, body: bytes = b"{}", head: bytes = b"HTTP/1.1 200 OK") -> None:
        self.send(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reset(self) -> None:
        """Close with an RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def wait_until_closed(self) -> None:
        """Until the client closes the connection."""
        self.file.read()


Script = Callable[[Connection], None]


def answer_always(connection: Connection) -> None:
    """A healthy server that keeps connections."""
    while True:
        connection.read_request()
        connection.answer()


class ScriptedServer:
    """Runs the first script for the first connection and so on, the last one for all others."""

    def __init__(self, *scripts: Script, tls: bool = False) -> None:
        self.scripts = list(scripts)
        self.requests: list[str] = []
        self.connections = 0
        self.open_connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._context is not None:
            self._context.load_cert_chain(CERTIFICATE)
        self.port: int = self._listening.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.address}/settings"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                self.connections += 1
                self.open_connections += 1
                threading.Thread(target=self._run, args=(script, sock), daemon=True).start()

    def _run(self, script: Script, sock: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                stack.enter_context(sock)
                if self._context is not None:
                    sock = self._context.wrap_socket(sock, server_side=True)
                    stack.enter_context(sock)
                connection = Connection(self, sock)
                stack.enter_context(connection.file)
                script(connection)
        finally:
            self.open_connections -= 1

    def close(self) -> None:
        # wakes the thread that accepts, which closing alone does not
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@contextlib.contextmanager
def scripted_server(*scripts: Script, tls: bool = False) -> Iterator[ScriptedServer]:
    server = ScriptedServer(*scripts, tls=tls)
    try:
        yield server
    finally:
        server.close()
