"""How long a change takes to reach every process of a fleet, and what the fleet costs at rest.

With ``--starts`` instead: how long the first change takes after the workers of a web server have
started, time and again.
"""

import contextlib
import json
import os
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bench import (
    DATABASES,
    SECRET,
    Options,
    Site,
    Table,
    database,
    distribution,
    duration,
    free_port,
    parser,
)
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

PROCESSES = 8
REST_SECONDS = 6.0
NOTE = f"""\
Of {PROCESSES} processes; a fetch is a request to VWO for the settings. With the naive handler
only the process that answers has the change; the others have it when they poll. The SDK's
default is to poll every 600 s; here a plain client polls every second, the most often that the
SDK allows, and asks VWO all the time."""

BROADCASTS: dict[str, dict[str, Any]] = {
    "database": {"BACKEND": "django_vwo_webhooks.broadcast.database.DatabaseBroadcast"},
    "redis": {"BACKEND": "django_vwo_webhooks.broadcast.redis.RedisBroadcast"},
    "postgres": {"BACKEND": "django_vwo_webhooks.broadcast.postgres.PostgresBroadcast"},
}


class Fleet:
    """Processes that follow the settings, and the lines that they print when they apply some."""

    def __init__(self, process: "subprocess.Popen[str]", size: int) -> None:
        self.size = size
        self.pid = process.pid
        assert process.stdout is not None
        self.lines = process.stdout

    def all_apply(self, snapshot: int) -> float:
        """When the last process applied this snapshot, on the monotonic clock."""
        applied_at: dict[str, float] = {}
        while len(applied_at) < self.size:
            moment, pid, number = self.lines.readline().split()
            if int(number) == snapshot:
                applied_at[pid] = float(moment)
        return max(applied_at.values())


class Deliveries:
    """VWO and the one web worker that receives its deliveries: each brings another change."""

    def __init__(self, vwo: Any, port: int) -> None:
        self.vwo = vwo
        self.port = port
        self.number = 0

    def change(self) -> tuple[float, int]:
        """When the change was answered with 200, and the number of its snapshot."""
        self.number += 1
        self.vwo.set_flag("flag_1", variables={"color": f"shade {self.number}"})
        body = {"timestamp": self.number, "event": "settings_changed", "action": str(self.number)}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/webhooks/vwo/",
            json.dumps(body).encode(),
            {"x-vwo-auth": SECRET, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - an address of this machine
            answered_at = time.monotonic()
            message = json.load(answer)["message"]
        return answered_at, int(message.partition("#")[2].partition(" ")[0])


def busy_seconds() -> float:
    """How long this machine's cores have worked since it started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def load(seconds: float) -> float:
    """How many cores worked on average."""
    before, started = busy_seconds(), time.monotonic()
    time.sleep(seconds)
    return (busy_seconds() - before) / (time.monotonic() - started)


@contextlib.contextmanager
def followers(site: Site, count: int, deliveries: Deliveries) -> Iterator[Fleet]:
    """So many processes that follow the settings, and are at rest."""
    command = ["-m", "benchmarks.sites.followers", str(count)]
    with site.run(*command, stdout=subprocess.PIPE) as process:
        fleet = Fleet(process, count)
        fleet.all_apply(deliveries.change()[1])
        time.sleep(3)
        yield fleet


def changes(fleet: Fleet, deliveries: Deliveries, count: int) -> list[float]:
    """How long each of some changes took from its 200 to the last process."""
    seconds = []
    for number in range(1, count + 1):
        answered_at, snapshot = deliveries.change()
        seconds.append(fleet.all_apply(snapshot) - answered_at)
        time.sleep(0.1 + 0.037 * (number % 27))  # at no fixed moment of the poll interval
    return seconds


def measure_changes(site: Site, deliveries: Deliveries, args: Any) -> None:
    time.sleep(3)  # the site has just started
    idle = load(10)
    with followers(site, args.processes, deliveries) as fleet:
        print(
            f"at rest {load(10) - idle:.3f} cores in all, database and broadcast included",
            flush=True,
        )
        seconds = changes(fleet, deliveries, args.changes)
    print(f"from the webhook's 200 to the last process: {distribution(seconds)}", flush=True)


def measure_starts(site: Site, deliveries: Deliveries, args: Any) -> None:
    seconds = []
    for _ in range(args.starts):
        _, snapshot = deliveries.change()
        with started_workers(site, args.processes) as fleet:
            fleet.all_apply(snapshot)
            answered_at, snapshot = deliveries.change()
            seconds.append(fleet.all_apply(snapshot) - answered_at)
    print(
        f"{args.starts} starts, from the first change's 200 to the last worker: "
        f"{distribution(seconds)}",
        flush=True,
    )


@contextlib.contextmanager
def started_workers(site: Site, count: int) -> Iterator[Fleet]:
    command = ["-m", "gunicorn", "-b", f"127.0.0.1:{free_port()}", "-w", str(count)]
    command += ["--log-level", "critical", "benchmarks.sites.followers:application()"]
    with site.run(*command, stdout=subprocess.PIPE) as server:
        yield Fleet(server, count)


@contextlib.contextmanager
def deliveries_to(
    database_url: str, broadcast: str, redis: str
) -> Iterator[tuple[Site, Deliveries]]:
    """A site with a web worker that receives the webhooks of a VWO."""
    backend = dict(BROADCASTS[broadcast])
    if broadcast == "redis":
        backend["OPTIONS"] = {"url": redis}
    flags = build_settings(feature("flag_1", variables={"color": "red"}))
    with VWOSimulator(flags) as vwo, database(database_url) as url:
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo.url}, BROADCAST=backend)
        site.create_tables()
        with site.gunicorn("-w", "1", "--threads", "2") as port:
            yield site, Deliveries(vwo, port)


def table(options: Options) -> Table:
    columns = [
        "Database",
        "Processes learn of a change",
        "200 to the last process: median",
        "Slowest",
        "Fetches a change",
        "Fetches a minute at rest",
    ]
    found = Table(f"From the webhook's 200 to the last of {PROCESSES} processes", NOTE, columns)
    cases = [("sqlite", "database")]
    if options.redis:
        cases.append(("sqlite", "redis"))
    else:
        found.skipped.append("Redis, since no `REDIS=` was given")
    if options.database:
        cases += [(options.database, "database"), (options.database, "postgres")]
        cases += [(options.database, "redis")] if options.redis else []
    else:
        found.skipped.append("PostgreSQL, since no `DB=` was given")
    for database_url, broadcast in cases:
        with (
            deliveries_to(database_url, broadcast, options.redis) as (site, deliveries),
            followers(site, PROCESSES, deliveries) as fleet,
        ):
            before = len(deliveries.vwo.fetches)
            time.sleep(REST_SECONDS)
            at_rest = len(deliveries.vwo.fetches) - before
            seconds = changes(fleet, deliveries, options.times(10))
            fetched = (len(deliveries.vwo.fetches) - before - at_rest) / len(seconds)
        found.add(
            DATABASES[database_url.partition(":")[0]],
            f"the app, broadcast {broadcast}",
            duration(statistics.median(seconds)),
            duration(max(seconds)),
            f"{fetched:.1f}",
            f"{at_rest * 60 / REST_SECONDS:.0f}",
        )
    add_polling(found, options.times(10))
    return found


def add_polling(table: Table, count: int) -> None:
    """The row of as many processes with a plain client that polls each second."""
    flags = build_settings(feature("flag_1", variables={"color": "shade 0"}))
    with VWOSimulator(flags) as vwo:
        options = {"proxy_url": vwo.url, "poll_interval": 1000}
        site = Site("sqlite:///:memory:", SDK_OPTIONS=options).without_the_app()
        command = ["-m", "benchmarks.sites.naive.followers", str(PROCESSES)]
        pipe = subprocess.PIPE
        with site.run(*command, stdin=pipe, stdout=pipe, start_new_session=True) as process:
            fleet = Fleet(process, PROCESSES)
            fleet.all_apply(0)
            time.sleep(3)
            before = len(vwo.fetches)
            time.sleep(REST_SECONDS)
            at_rest = len(vwo.fetches) - before
            seconds = []
            for number in range(1, count + 1):
                changed_at = time.monotonic()
                vwo.set_flag("flag_1", variables={"color": f"shade {number}"})
                seconds.append(fleet.all_apply(number) - changed_at)
                time.sleep(0.1 + 0.037 * (number % 27))
            process.communicate("\n")
    table.add(
        "none",
        "a plain client each, polling every second",
        duration(statistics.median(seconds)),
        duration(max(seconds)),
        "none more",
        f"{at_rest * 60 / REST_SECONDS:.0f}",
    )


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--broadcast", choices=BROADCASTS, default="database")
    options.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="its URL, for redis")
    options.add_argument("--processes", type=int, default=8)
    options.add_argument("--changes", type=int, default=30)
    options.add_argument("--starts", type=int, help="measure the first change after so many starts")
    args = options.parse_args()
    with deliveries_to(args.database, args.broadcast, args.redis) as (site, deliveries):
        system = args.database.partition(":")[0]
        print(f"{args.processes} processes, broadcast {args.broadcast}, {system}:", flush=True)
        measure = measure_changes if args.starts is None else measure_starts
        measure(site, deliveries, args)


if __name__ == "__main__":
    main()
