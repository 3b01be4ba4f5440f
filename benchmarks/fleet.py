"""How long a change takes to reach every process of a fleet, and what the fleet costs at rest.

With ``--starts`` instead: how long the first change takes after the workers of a web server have
started, time and again.
"""

import contextlib
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bench import SECRET, Site, database, distribution, free_port, parser

BROADCASTS: dict[str, dict[str, Any]] = {
    "database": {"BACKEND": "django_vwo_webhooks.broadcast.database.DatabaseBroadcast"},
    "redis": {"BACKEND": "django_vwo_webhooks.broadcast.redis.RedisBroadcast"},
    "postgres": {"BACKEND": "django_vwo_webhooks.broadcast.postgres.PostgresBroadcast"},
}


class Fleet:
    """Processes that follow the settings, and the lines that they print when they apply some."""

    def __init__(self, process: "subprocess.Popen[str]", size: int) -> None:
        self.size = size
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


def measure_changes(site: Site, deliveries: Deliveries, args: Any) -> None:
    idle = load(5)
    command = ["-m", "benchmarks.followers", str(args.processes)]
    with site.run(*command, stdout=subprocess.PIPE) as process:
        fleet = Fleet(process, args.processes)
        fleet.all_apply(deliveries.change()[1])
        time.sleep(3)
        print(
            f"at rest {load(10) - idle:.3f} cores in all, database and broadcast included",
            flush=True,
        )
        seconds = []
        for number in range(1, args.changes + 1):
            answered_at, snapshot = deliveries.change()
            seconds.append(fleet.all_apply(snapshot) - answered_at)
            time.sleep(0.1 + 0.037 * (number % 27))  # at no fixed moment of the poll interval
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
    command += ["--log-level", "critical", "benchmarks.followers:application()"]
    with site.run(*command, stdout=subprocess.PIPE) as server:
        yield Fleet(server, count)


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--broadcast", choices=BROADCASTS, default="database")
    options.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="its URL, for redis")
    options.add_argument("--processes", type=int, default=8)
    options.add_argument("--changes", type=int, default=30)
    options.add_argument("--starts", type=int, help="measure the first change after so many starts")
    args = options.parse_args()
    broadcast = BROADCASTS[args.broadcast]
    if args.broadcast == "redis":
        broadcast["OPTIONS"] = {"url": args.redis}
    from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

    flags = build_settings(feature("flag_1", variables={"color": "red"}))
    with contextlib.ExitStack() as stack:
        vwo = stack.enter_context(VWOSimulator(flags))
        url = stack.enter_context(database(args.database))
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo.url}, BROADCAST=broadcast)
        site.manage("migrate", "-v0")
        port = stack.enter_context(site.gunicorn("-w", "1", "--threads", "2"))
        print(
            f"{args.processes} processes, broadcast {args.broadcast}, {url.partition(':')[0]}:",
            flush=True,
        )
        measure = measure_changes if args.starts is None else measure_starts
        measure(site, Deliveries(vwo, port), args)


if __name__ == "__main__":
    main()
