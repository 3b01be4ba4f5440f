"""The webhooks that the benchmarks send, and how one is sent."""

import asyncio
import json
from typing import Any

from benchmarks.bench import SECRET


def payload(number: int) -> dict[str, Any]:
    """A payload that no other number has."""
    return {
        "timestamp": 1606482285 + number,
        "event": "settings_changed",
        "action": f"change {number}",
        "triggered_by": "vwo",
    }


def post(path: str, number: int, secret: str = SECRET) -> bytes:
    """A delivery of VWO's as it goes over the wire."""
    return http_post(path, json.dumps(payload(number)).encode(), {"x-vwo-auth": secret})


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def http_post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send(port: int, request: bytes) -> tuple[int, bytes]:
    """Sends a request on a connection of its own; returns the status and the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer[9:12]), answer
