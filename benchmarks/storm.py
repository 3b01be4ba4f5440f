"""VWO hangs while one event is delivered again and again, as in the hour of its repeats.

Visitors ask the same workers for a page all the while. Says what they felt, and what it cost.
"""

import asyncio
import json
import subprocess
import time
from pathlib import Path
from tempfile import NamedTemporaryFile

from benchmarks.bench import SECRET, Site, database, distribution, parser

BODY = json.dumps(
    {"timestamp": 1606482285, "event": "settings_changed", "action": "storm", "triggered_by": "vwo"}
).encode()


async def ask(port: int, request: bytes) -> tuple[int, float]:
    """The status, and how many seconds it took."""
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return int(answer[9:12]), time.monotonic() - started


async def visit(port: int, a_second: float, stop: asyncio.Event) -> list[float]:
    """Visitors who come at a steady rate, however long the others wait."""
    page = b"GET /flag/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    visits = []
    while not stop.is_set():
        visits.append(asyncio.create_task(ask(port, page)))
        await asyncio.sleep(1 / a_second)
    answers = [await one for one in visits]
    assert {status for status, _ in answers} == {200}
    return [seconds for _, seconds in answers]


async def deliver(port: int, number: int, pause: float) -> dict[int, int]:
    head = (
        "POST /webhooks/vwo/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"x-vwo-auth: {SECRET}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    ).encode()
    statuses: dict[int, int] = {}
    deliveries = []
    for _ in range(number):
        deliveries.append(asyncio.create_task(ask(port, head + BODY)))
        await asyncio.sleep(pause)
    for one in deliveries:
        status, _ = await one
        statuses[status] = statuses.get(status, 0) + 1
    return statuses


async def measure(port: int, args: "Arguments") -> tuple[list[float], list[float], dict[int, int]]:
    stop = asyncio.Event()
    calm = asyncio.create_task(visit(port, args.visitors, stop))
    await asyncio.sleep(args.deliveries * args.pause / 4)
    stop.set()
    quiet = await calm
    stop = asyncio.Event()
    during = asyncio.create_task(visit(port, args.visitors, stop))
    statuses = await deliver(port, args.deliveries, args.pause)
    stop.set()
    return quiet, await during, statuses


def kilobytes(pids: list[int]) -> int:
    """The memory of these processes that nothing shares."""
    return sum(
        int(line.split()[1])
        for pid in pids
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if line.startswith("Private_")
    )


def workers(port: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-f", f"gunicorn --bind 127.0.0.1:{port}"], capture_output=True, text=True
    )
    return [int(pid) for pid in found.stdout.split()]


class Arguments:
    database: str
    deliveries: int
    pause: float
    visitors: float


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--deliveries", type=int, default=3600)
    options.add_argument("--pause", type=float, default=0.05, help="seconds between deliveries")
    options.add_argument("--visitors", type=float, default=30, help="a second")
    args = options.parse_args(namespace=Arguments())
    from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

    flags = build_settings(feature("flag_1", variables={"color": "red"}))
    with (
        VWOSimulator(flags) as vwo,
        database(args.database) as url,
        NamedTemporaryFile("w+", suffix=".log") as log,
    ):
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo.url})
        site.environment["SITE_LOG"] = log.name
        site.manage("migrate", "-v0")
        with site.gunicorn("-w", "2", "-k", "gthread", "--threads", "4") as port:
            asyncio.run(visit_once(port))
            vwo.misbehave(delay=3600)
            before = kilobytes(workers(port))
            quiet, during, statuses = asyncio.run(measure(port, args))
            after = kilobytes(workers(port))
            vwo.behave()
        print(f"visitors without: {distribution(quiet)}")
        print(f"visitors with:    {distribution(during)}")
        print(f"p99: {p99(during) / p99(quiet):.2f} of what it is without the storm")
        print(f"deliveries by status: {statuses}; fetches from VWO: {len(vwo.fetches)}")
        print(f"log lines: {len(Path(log.name).read_text().splitlines())}")
        print(f"memory of the workers: {before} KiB before, {after} KiB after")
        count = "from django_vwo_webhooks.models import WebhookEvent as E; e = E.objects.get(); "
        site.manage("shell", "-v0", "-c", f"{count}print('one row,', e.deliveries, 'deliveries')")


async def visit_once(port: int) -> None:
    for _ in range(40):
        await ask(port, b"GET /flag/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.99 * len(seconds))]


if __name__ == "__main__":
    main()
