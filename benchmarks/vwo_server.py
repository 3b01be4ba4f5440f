"""A minimal VWO for the benchmarks: a fetch costs it a fraction of the simulator's CPU time.

``python -m benchmarks.vwo_server --port 8000 --features 200 --changing``. It answers settings to
each GET and ``{}`` to each POST. With ``--changing`` each GET gets another value of a variable.
``GET /fetches`` returns how often the settings were fetched.
"""

import argparse
import asyncio
import json
import re

from django_vwo_webhooks.testing import build_settings, feature

CONTENT_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
PLACEHOLDER = "number-of-the-fetch"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


class Documents:
    """The settings documents to serve, one after the other."""

    def __init__(self, features: int, *, changing: bool) -> None:
        flags = [
            feature(f"flag_{number}", variables={"color": PLACEHOLDER if number == 1 else "red"})
            for number in range(1, features + 1)
        ]
        text = json.dumps(build_settings(*flags)).encode()
        self._before, _, self._after = text.partition(PLACEHOLDER.encode())
        self._changing = changing
        self.served = 0

    def __next__(self) -> bytes:
        self.served += 1
        number = self.served if self._changing else 0
        return b"%bshade %d%b" % (self._before, number, self._after)


class Connection(asyncio.Protocol):
    """Answers the requests of one connection, which stays open."""

    transport: asyncio.Transport

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = CONTENT_LENGTH.search(self._received, 0, end)
            end += 4 + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            body = self._body(self._received)
            self._received = self._received[end:]
            self.transport.write(HEAD % (len(body), body))

    def _body(self, request: bytes) -> bytes:
        if request.startswith(b"GET /fetches"):
            return b"%d" % self._documents.served
        return next(self._documents) if request.startswith(b"GET") else b"{}"


async def serve(port: int, documents: Documents) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(documents), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--features", type=int, default=1, help="how many flags there are")
    options.add_argument("--changing", action="store_true", help="serve other settings each time")
    args = options.parse_args()
    asyncio.run(serve(args.port, Documents(args.features, changing=args.changing)))


if __name__ == "__main__":
    main()
