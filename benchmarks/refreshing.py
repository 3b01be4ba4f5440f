"""How long visitors wait for a page with five flags while settings are refreshed.

Visitors come at a steady rate. In every other period settings change and are refreshed, also at a
steady rate, in the processes that serve the page.
"""

import asyncio
import statistics
import time

from benchmarks.bench import Options, Table, duration, show, site_on_sqlite, vwo
from benchmarks.load import get, post, send

FLAGS = 100
WORKERS = ["-w", "2", "-k", "gthread", "--threads", "4"]
VISITORS_A_SECOND = 30
REFRESHES_A_SECOND = 2
PERIOD_SECONDS = 3.0
NOTE = f"""\
A page that evaluates five of {FLAGS} flags, on 2 workers of 4 threads, with {VISITORS_A_SECOND}
visitors a second. In every other period of {PERIOD_SECONDS:.0f} s settings change
{REFRESHES_A_SECOND} times a second, and the same workers answer the webhooks. No visitor waits
for a refresh; what they notice is that its work takes time of the cores, as any other request
does."""


async def at_a_rate(port: int, request: bytes, a_second: float, seconds: float) -> list[float]:
    """Send it at a steady rate, however long the answers take; returns how long each took."""
    sent = []
    for _ in range(round(a_second * seconds)):
        sent.append(asyncio.create_task(timed(port, request)))
        await asyncio.sleep(1 / a_second)
    return [await one for one in sent]


async def timed(port: int, request: bytes) -> float:
    started = time.monotonic()
    status, _ = await send(port, request)
    if status != 200:
        raise SystemExit(f"answered {status}")
    return time.monotonic() - started


async def period(port: int, numbers: list[int]) -> list[float]:
    """How long the visitors of a period waited while these webhooks were delivered."""
    visits = asyncio.create_task(at_a_rate(port, get("/flags/"), VISITORS_A_SECOND, PERIOD_SECONDS))
    for number in numbers:
        await asyncio.gather(
            timed(port, post("/webhooks/vwo/", number)), asyncio.sleep(1 / REFRESHES_A_SECOND)
        )
    return await visits


def table(options: Options) -> Table:
    quiet: list[float] = []
    refreshed: list[float] = []
    refreshes = round(PERIOD_SECONDS * REFRESHES_A_SECOND)
    with (
        vwo(FLAGS, changing=True) as vwo_url,
        site_on_sqlite(vwo_url) as site,
        site.gunicorn(*WORKERS) as port,
    ):
        asyncio.run(at_a_rate(port, get("/flags/"), 20, 2))
        for number in range(options.times(7)):
            quiet += asyncio.run(period(port, []))
            numbers = range(number * refreshes, (number + 1) * refreshes)
            refreshed += asyncio.run(period(port, list(numbers)))
    found = Table("A page with five flags during refreshes", NOTE, ["", "Pages", "p50", "p99"])
    found.add("without refreshes", len(quiet), *map(duration, percentiles(quiet)))
    found.add("during refreshes", len(refreshed), *map(duration, percentiles(refreshed)))
    pairs = zip(percentiles(refreshed), percentiles(quiet), strict=True)
    found.add("ratio", "", *(f"{one / other:.2f}" for one, other in pairs))
    return found


def percentiles(seconds: list[float]) -> tuple[float, float]:
    return statistics.median(seconds), sorted(seconds)[int(0.99 * len(seconds))]


if __name__ == "__main__":
    show(table)
