"""How long a change takes to reach every process of a fleet, and what the fleet costs at rest."""

import contextlib
import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.bench import SECRET, Site, database, distribution, parser

BELLS: dict[str, dict[str, Any]] = {
    "database": {"BACKEND": "django_vwo_webhooks.broadcast.database.DatabaseBroadcast"},
    "redis": {"BACKEND": "django_vwo_webhooks.broadcast.redis.RedisBroadcast"},
    "postgres": {"BACKEND": "django_vwo_webhooks.broadcast.postgres.PostgresBroadcast"},
}


class Fleet:
    """The following processes, as they tell which snapshot they have."""

    def __init__(self, process: "subprocess.Popen[str]", size: int) -> None:
        self.size = size
        assert process.stdout is not None
        self.lines = process.stdout

    def all_apply(self, snapshot: int) -> float:
        """When the last process had this snapshot, on the monotonic clock."""
        seen: dict[str, float] = {}
        while len(seen) < self.size:
            clock, pid, number = self.lines.readline().split()
            if int(number) == snapshot:
                seen[pid] = float(clock)
        return max(seen.values())


def busy_seconds() -> float:
    """How long this machine's cores have worked since it started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def load(seconds: float) -> float:
    """How many cores worked on average."""
    before, started = busy_seconds(), time.monotonic()
    time.sleep(seconds)
    return (busy_seconds() - before) / (time.monotonic() - started)


def deliver(port: int, number: int) -> tuple[float, int]:
    """When the 200 came, and the snapshot's number."""
    body = {"timestamp": number, "event": "settings_changed", "action": str(number)}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/webhooks/vwo/",
        json.dumps(body).encode(),
        {"x-vwo-auth": SECRET, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - an address of this machine
        answered = time.monotonic()
        message = json.load(answer)["message"]
    return answered, int(message.partition("#")[2].partition(" ")[0])


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--bell", choices=BELLS, default="database")
    options.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="for the bell redis")
    options.add_argument("--processes", type=int, default=8)
    options.add_argument("--changes", type=int, default=30)
    args = options.parse_args()
    bell = BELLS[args.bell]
    if args.bell == "redis":
        bell["OPTIONS"] = {"url": args.redis}
    from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

    flags = build_settings(feature("flag_1", variables={"color": "red"}))
    with contextlib.ExitStack() as stack:
        vwo = stack.enter_context(VWOSimulator(flags))
        url = stack.enter_context(database(args.database))
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo.url}, BROADCAST=bell)
        site.manage("migrate", "-v0")
        port = stack.enter_context(site.gunicorn("-w", "1", "--threads", "2"))
        _, snapshot = deliver(port, 0)
        idle = load(5)
        followers = ["-m", "benchmarks.followers", str(args.processes)]
        fleet = Fleet(
            stack.enter_context(site.run(*followers, stdout=subprocess.PIPE)), args.processes
        )
        fleet.all_apply(snapshot)
        time.sleep(3)
        print(
            f"{args.processes} processes, bell {args.bell}, {url.partition(':')[0]}: at rest "
            f"{load(10) - idle:.3f} cores in all, database and bell included",
            flush=True,
        )
        seconds = []
        for number in range(1, args.changes + 1):
            vwo.set_flag("flag_1", variables={"color": f"shade {number}"})
            answered, snapshot = deliver(port, number)
            seconds.append(fleet.all_apply(snapshot) - answered)
            time.sleep(0.1 + 0.037 * (number % 27))  # at no fixed moment of the poll interval
        print(f"from the webhook's 200 to the last process: {distribution(seconds)}", flush=True)


if __name__ == "__main__":
    main()
