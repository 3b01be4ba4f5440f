"""Deliveries a second: the app beside a floor and beside the naive handler.

The floor checks the secret and does one INSERT; the naive handler also updates the SDK's client
inline, as on VWO's page. The deliveries all differ, so each asks for a refresh. The three take
turns, so that whatever else the machine does slows each of them; a ratio is the median of the
rounds' ratios to the floor. Server, VWO, database and load share the machine. CPU is the time that
the processes of the web server took for a delivery, which depends less on what else is running.
"""

import argparse
import asyncio
import contextlib
import itertools
import statistics
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks import server_cost
from benchmarks.bench import SECRET, Site, database, vwo
from benchmarks.load import post, send
from benchmarks.processes import cpu_seconds, gunicorn_pids

WORKERS = {
    "sync": ["-w", "2", "-k", "sync"],
    "threads": ["-w", "2", "-k", "gthread", "--threads", "8"],
}
PATHS = {"floor": "/floor/", "naive": "/naive/", "app": "/webhooks/vwo/"}
WRONG_SECRET = "not the secret"
HEAD = (
    f"{'workers':8} {'settings':9} {'flags':>5} {'c':>3}  {'floor/s':>8} {'CPU ms':>6}"
    f"  {'naive/s':>8} {'ratio':>5} {'503s':>4} {'CPU ms':>6}"
    f"  {'app/s':>8} {'ratio':>5} {'503s':>4} {'CPU ms':>6}  {'deliveries/fetch':>16}"
)
numbers = itertools.count()


@dataclass
class Rounds:
    """What the rounds of one handler measured."""

    rates: list[float] = field(default_factory=list)
    unavailable: int = 0
    """How many deliveries were answered 503."""
    answered: int = 0
    """How many had the wanted status."""
    fetches: int = 0
    cpu_seconds: float = 0

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def cpu_milliseconds(self) -> float:
        return 1000 * self.cpu_seconds / max(self.answered, 1)

    def ratio(self, floor: "Rounds") -> float:
        return statistics.median(a / b for a, b in zip(self.rates, floor.rates, strict=True))


@dataclass(frozen=True)
class Servers:
    """Where the handlers are served, and where VWO is."""

    ports: dict[str, int]
    vwo_url: str

    def fetches(self) -> int:
        with urllib.request.urlopen(f"{self.vwo_url}/fetches") as answer:  # noqa: S310 - local
            return int(answer.read())

    def compare(
        self, args: argparse.Namespace, connections: int, *, secret: str = SECRET, wanted: int = 200
    ) -> dict[str, Rounds]:
        """Measure the handlers in turns; each answer must be the wanted status or a 503."""
        measured = {name: Rounds() for name in PATHS}
        for _ in range(args.rounds):
            for name, rounds in measured.items():
                pids = gunicorn_pids(self.ports[name])
                before, cpu_before = self.fetches(), cpu_seconds(pids)
                statuses, seconds = asyncio.run(
                    load(self.ports[name], PATHS[name], secret, connections, args.seconds)
                )
                rounds.cpu_seconds += cpu_seconds(pids) - cpu_before
                if set(statuses) - {wanted, 503}:
                    raise SystemExit(f"{PATHS[name]} was answered {dict(statuses)}")
                rounds.rates.append(statuses[wanted] / seconds)
                rounds.answered += statuses[wanted]
                rounds.unavailable += statuses[503]
                rounds.fetches += self.fetches() - before
        return measured


async def load(
    port: int, path: str, secret: str, connections: int, seconds: float
) -> tuple[Counter[int], float]:
    """Deliver on so many connections at once; returns the statuses, and how long it took."""
    started = time.monotonic()
    statuses: Counter[int] = Counter()

    async def deliver() -> None:
        while time.monotonic() < started + seconds:
            status, _ = await send(port, post(path, next(numbers), secret))
            statuses[status] += 1

    await asyncio.gather(*(deliver() for _ in range(connections)))
    return statuses, time.monotonic() - started


@contextlib.contextmanager
def servers(site: Site, vwo_url: str, workers: str) -> Iterator[Servers]:
    # the SDK's polling timer would keep a worker of the naive site alive for ten minutes
    options = [*WORKERS[workers], "--graceful-timeout", "1"]
    naive = site.using("benchmarks.naive.settings")
    with site.gunicorn(*options) as port, naive.gunicorn(*options) as naive_port:
        ports = {"floor": port, "naive": naive_port, "app": port}
        for name, path in PATHS.items():
            asyncio.run(load(ports[name], path, SECRET, 4, 1))
        yield Servers(ports, vwo_url)


def print_row(measured: dict[str, Rounds], *columns: str, remark: str = "") -> None:
    workers, settings, flags, connections = columns
    floor, naive, app = measured.values()
    fetched = f"{app.answered / app.fetches:.1f}" if app.fetches else "-"
    print(
        f"{workers:8} {settings:9} {flags:>5} {connections:>3}  {floor.rate:8.1f}"
        f" {floor.cpu_milliseconds:6.2f}"
        f"  {naive.rate:8.1f} {naive.ratio(floor):5.2f} {naive.unavailable:4}"
        f" {naive.cpu_milliseconds:6.2f}"
        f"  {app.rate:8.1f} {app.ratio(floor):5.2f} {app.unavailable:4}"
        f" {app.cpu_milliseconds:6.2f}  {fetched:>16}{remark}",
        flush=True,
    )


def measure_database(args: argparse.Namespace, url: str) -> None:
    print(Site(url).output("-m", "benchmarks.versions"))
    print(HEAD, flush=True)
    first: dict[tuple[str, str, int], float] = {}
    refused: set[str] = set()
    for features, changing in itertools.product(args.features, args.changing):
        with vwo(features, changing=changing == "yes") as vwo_url:
            site = Site(url, SDK_OPTIONS={"proxy_url": vwo_url})
            site.create_tables()
            for workers in args.workers:
                with servers(site, vwo_url, workers) as running:
                    for connections in args.connections:
                        measured = running.compare(args, connections)
                        ratio = measured["app"].ratio(measured["floor"])
                        key = (workers, changing, connections)
                        remark = ""
                        if features == args.features[0]:
                            first[key] = ratio
                        else:
                            remark = f"  {ratio / first[key]:.2f} of {args.features[0]} flags"
                        print_row(
                            measured,
                            workers,
                            "changing" if changing == "yes" else "unchanged",
                            str(features),
                            str(connections),
                            remark=remark,
                        )
                    if workers not in refused:
                        refused.add(workers)
                        measured = running.compare(args, 8, secret=WRONG_SECRET, wanted=401)
                        print_row(measured, workers, "(401)", "-", "8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--database",
        nargs="+",
        default=["sqlite"],
        metavar="URL",
        help="the URLs of databases, whose tables are dropped; default: SQLite in a new file",
    )
    options.add_argument("--workers", nargs="+", choices=WORKERS, default=list(WORKERS))
    options.add_argument("--connections", nargs="+", type=int, default=[1, 8, 64])
    options.add_argument(
        "--changing",
        nargs="+",
        choices=["no", "yes"],
        default=["no", "yes"],
        help="whether VWO serves other settings on each fetch",
    )
    options.add_argument(
        "--features", nargs="+", type=int, default=[1, 200], help="how many flags VWO has"
    )
    options.add_argument("--seconds", type=float, default=2.0, help="of each round")
    options.add_argument("--rounds", type=int, default=5)
    args = options.parse_args()
    for features in args.features:
        print(server_cost.describe(features), flush=True)
    for wanted in args.database:
        with database(wanted) as url:
            measure_database(args, url)


if __name__ == "__main__":
    main()
