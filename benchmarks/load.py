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
    """A delivery as it goes over the wire."""
    body = json.dumps(payload(number)).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nx-vwo-auth: {secret}\r\nConnection: close\r\n"
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
