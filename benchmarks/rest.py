"""How many cores 200 processes use while nothing changes, beside 200 idle Django processes."""

import subprocess
import time

from benchmarks.bench import Options, Site, Table, show
from benchmarks.fleet import deliveries_to, followers
from benchmarks.processes import children, cpu_seconds

PROCESSES = 200
SECONDS = 20.0
NOTE = f"""\
The CPU time of {PROCESSES} processes over {SECONDS:.0f} s in which nothing changes, and in
brackets that of one of them each second. With the database as broadcast each process executes one
statement a second; with Redis it waits, and checks the database every 30 s. Servers are not
counted."""


def cores(parent: int) -> float:
    """How many cores the processes that this one forked use."""
    pids = children(parent)
    assert len(pids) == PROCESSES
    before, started = cpu_seconds(pids), time.monotonic()
    time.sleep(SECONDS)
    return (cpu_seconds(pids) - before) / (time.monotonic() - started)


def following(broadcast: str, redis: str) -> float:
    with (
        deliveries_to("sqlite", broadcast, redis) as (site, deliveries),
        followers(site, PROCESSES, deliveries) as fleet,
    ):
        return cores(fleet.pid)


def idle() -> float:
    site = Site("sqlite:///:memory:")
    command = ["-m", "benchmarks.sites.followers", str(PROCESSES), "--idle"]
    with site.run(*command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return cores(process.pid)


def table(options: Options) -> Table:
    found = Table(f"{PROCESSES} processes at rest", NOTE, ["", "Cores used by all"])
    cases = {"idle Django processes": idle()}
    cases["followers, SQLite, broadcast database"] = following("database", "")
    if options.redis:
        cases["followers, SQLite, broadcast redis"] = following("redis", options.redis)
    else:
        found.skipped.append("Redis, since no `REDIS=` was given")
    for name, used in cases.items():
        found.add(name, f"{used:.3f} ({1000 * used / PROCESSES:.2f} ms)")
    return found


if __name__ == "__main__":
    show(table)
