"""The threads and requests that 200 impressions take while VWO fails.

The site with the app and the one with a plain client of the SDK each have a VWO of their own. They
run at the same time, since what is counted does not depend on the machine's speed.
"""

import contextlib
import threading
import time
from typing import Any

from benchmarks.bench import Options, Table, Worker, show, site_on_sqlite, worker
from benchmarks.sites.client import get_client
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

IMPRESSIONS = 200
A_SECOND = 50
WATCHED_SECONDS = 15.0
FAILURES: dict[str, dict[str, Any]] = {
    "answers 500": {"status": 500},
    "hangs": {"delay": 3600},
}
NOTE = f"""\
{IMPRESSIONS} visitors evaluate a flag within {IMPRESSIONS / A_SECOND:.0f} s, with the options
that each client has by default; threads are the most that the process had beyond those of before,
requests those that reached VWO within {WATCHED_SECONDS:.0f} s. The app queues impressions in one
thread and sends them in batches, again and again until VWO takes them; a plain client sends each
by itself, in a thread of its own, and gives it up after some tries."""


def evaluate(impressions: int, seconds: float) -> int:
    """Evaluate the flag for so many visitors; returns how many threads this added at most."""
    client = get_client()
    before, most = threading.active_count(), 0
    started = time.monotonic()
    for number in range(impressions):
        client.get_flag("flag_1", {"id": str(number)})
        most = max(most, threading.active_count())
        time.sleep(max(0.0, started + number / A_SECOND - time.monotonic()))
    while time.monotonic() < started + seconds:
        most = max(most, threading.active_count())
        time.sleep(0.02)
    return most - before


def start(stack: contextlib.ExitStack, *, app: bool) -> tuple[VWOSimulator, Worker]:
    vwo = stack.enter_context(VWOSimulator(build_settings(feature("flag_1"))))
    site = stack.enter_context(site_on_sqlite(vwo.url, SDK_OPTIONS={"proxy_url": vwo.url}))
    process = worker(site if app else site.without_the_app(), evaluate)
    return vwo, stack.enter_context(process)


def measure(failure: dict[str, Any], seconds: float) -> list[tuple[int, int]]:
    """The threads and the requests of the app and of the plain client."""
    with contextlib.ExitStack() as stack:
        sites = [start(stack, app=app) for app in (True, False)]
        for vwo, process in sites:
            process.ask(impressions=1, seconds=3)
            vwo.misbehave_events(**failure)
        before = [len(vwo.event_requests) for vwo, _ in sites]
        for _, process in sites:
            process.begin(impressions=IMPRESSIONS, seconds=seconds)
        threads = [process.result() for _, process in sites]
        requests = [len(vwo.event_requests) for vwo, _ in sites]
        return [
            (count, after - earlier)
            for count, after, earlier in zip(threads, requests, before, strict=True)
        ]


def table(options: Options) -> Table:
    columns = ["VWO", "Threads: the app", "plain client", "Requests: the app", "plain client"]
    found = Table("200 impressions while VWO fails", NOTE, columns)
    for name, failure in FAILURES.items():
        (threads, requests), (plain_threads, plain_requests) = measure(failure, WATCHED_SECONDS)
        found.add(name, threads, plain_threads, requests, plain_requests)
    return found


if __name__ == "__main__":
    show(table)
