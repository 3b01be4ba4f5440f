"""One event is delivered again and again while VWO hangs, as in the hour of VWO's retries.

Meanwhile visitors request a page from the same workers. Prints how long they waited with and
without the storm, and what the storm cost.
"""

import argparse
import asyncio
import time
from collections import Counter
from pathlib import Path
from tempfile import NamedTemporaryFile

from benchmarks.bench import Site, database, distribution, parser
from benchmarks.load import get, post, send
from benchmarks.processes import gunicorn_pids, private_kibibytes
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

PAGE = get("/flag/")
PRINT_ROW = """
import django
django.setup()
from django_vwo_webhooks.models import WebhookEvent
print("one row,", WebhookEvent.objects.get().deliveries, "deliveries")
"""


async def timed(port: int, request: bytes) -> tuple[int, float]:
    """The status, and how many seconds it took."""
    started = time.monotonic()
    status, _ = await send(port, request)
    return status, time.monotonic() - started


async def visit(port: int, a_second: float, stop: asyncio.Event) -> list[float]:
    """Visitors who come at a steady rate, however long the others wait."""
    visits = []
    while not stop.is_set():
        visits.append(asyncio.create_task(timed(port, PAGE)))
        await asyncio.sleep(1 / a_second)
    answers = [await one for one in visits]
    assert {status for status, _ in answers} == {200}
    return [seconds for _, seconds in answers]


async def deliver(port: int, count: int, pause_seconds: float) -> Counter[int]:
    """Deliver the same event so often; returns how many were answered with each status."""
    request = post("/webhooks/vwo/", 0)
    deliveries = []
    for _ in range(count):
        deliveries.append(asyncio.create_task(timed(port, request)))
        await asyncio.sleep(pause_seconds)
    return Counter([(await one)[0] for one in deliveries])


async def measure(
    port: int, args: argparse.Namespace
) -> tuple[list[float], list[float], Counter[int]]:
    """How long visitors waited without and with the storm, and how it was answered."""
    stop = asyncio.Event()
    without = asyncio.create_task(visit(port, args.visitors, stop))
    await asyncio.sleep(args.deliveries * args.pause / 4)
    stop.set()
    quiet = await without
    stop = asyncio.Event()
    during = asyncio.create_task(visit(port, args.visitors, stop))
    statuses = await deliver(port, args.deliveries, args.pause)
    stop.set()
    return quiet, await during, statuses


async def warm_up(port: int) -> None:
    for _ in range(40):
        await send(port, PAGE)


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.99 * len(seconds))]


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--deliveries", type=int, default=3600)
    options.add_argument("--pause", type=float, default=0.05, help="seconds between deliveries")
    options.add_argument("--visitors", type=float, default=30, help="requests a second")
    args = options.parse_args()
    flags = build_settings(feature("flag_1", variables={"color": "red"}))
    with (
        VWOSimulator(flags) as vwo,
        database(args.database) as url,
        NamedTemporaryFile("w+", suffix=".log") as log,
    ):
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo.url})
        site.environment["SITE_LOG"] = log.name
        site.create_tables()
        with site.gunicorn("-w", "2", "-k", "gthread", "--threads", "4") as port:
            asyncio.run(warm_up(port))
            vwo.misbehave(delay=3600)
            pids = gunicorn_pids(port)
            before = private_kibibytes(pids)
            quiet, during, statuses = asyncio.run(measure(port, args))
            after = private_kibibytes(gunicorn_pids(port))
            vwo.behave()
        print(f"visitors without the storm: {distribution(quiet)}")
        print(f"visitors during the storm:  {distribution(during)}")
        print(f"the p99 during the storm is {p99(during) / p99(quiet):.2f} times the one without")
        print(f"deliveries by status: {dict(statuses)}; fetches from VWO: {len(vwo.fetches)}")
        print(f"log lines: {len(Path(log.name).read_text().splitlines())}")
        print(f"private memory of the server: {before} KiB before, {after} KiB after")
        print(site.output("-c", PRINT_ROW))


if __name__ == "__main__":
    main()
