"""Deliveries a second: the app beside a floor, the naive handler, and other packages' views.

The floor checks the secret and does one INSERT; the naive handler also updates the SDK's client
inline, as on VWO's page. The deliveries all differ, so each asks for a refresh. The handlers take
turns, so that whatever else the machine does slows each of them; a ratio is the median of the
rounds' ratios to the floor. Server, VWO, database and load share the machine. CPU is the time that
the processes of the web server took for a delivery, which depends less on what else is running.
"""

import argparse
import asyncio
import contextlib
import functools
import itertools
import statistics
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.bench import DATABASES, SECRET, Options, Site, Table, database, ratio, vwo
from benchmarks.load import post, send
from benchmarks.processes import cpu_seconds, gunicorn_pids
from benchmarks.sites.peers import deliveries as peers

WORKERS = {
    "sync": ["-w", "2", "-k", "sync"],
    "threads": ["-w", "2", "-k", "gthread", "--threads", "8"],
}
WORKERS_NAMES = {"sync": "2 sync workers", "threads": "2 workers of 8 threads"}
SETTINGS = {"no": "settings unchanged", "yes": "settings changed each time"}
WRONG_SECRET = "not the secret"
PEERS = "benchmarks.sites.peers.settings"
COLUMNS = [
    "Site",
    "Delivery",
    "Flags",
    "Connections",
    "Floor",
    "Naive handler",
    "The app",
    "Deliveries for each fetch",
]
NOTE = """\
Deliveries a second, in brackets the ratio to the floor, and the CPU time of a delivery in the web
server. The *floor* checks the secret and executes one INSERT. The *naive handler* is the sample
on VWO's page, written for Django: the secret, one INSERT, and `update_settings()` within the
request. Both do less than the app, which stores the settings and what changed, makes sure that
they are in force, and tells the other processes; so it is slower, and far above the one delivery
a second that VWO sends. A refused delivery has the wrong secret, and costs the app no statement."""
PEERS_NOTE = """\
The same with 100 flags and settings that change each time, beside the views of other packages,
which store their event: each gets deliveries of its own service, signed as that service signs
them. On SQLite their transactions begin as writing ones, without which dj-stripe answers some
concurrent deliveries with 500. They fetch nothing, so the app's work is the greater. dj-stripe also
stores what it refuses."""

numbers = itertools.count()


@dataclass(frozen=True)
class Handler:
    """A view that is measured: where it is served, and what is delivered to it."""

    port: int
    request: Callable[[int, str], bytes]
    """Makes a delivery of a number and a secret."""
    refusal: int = 401


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

    def text(self, floor: "Rounds") -> str:
        cpu = 1000 * self.cpu_seconds / max(self.answered, 1)
        share = f" ({ratio(self.rates, floor.rates):.2f})" if self is not floor else ""
        failed = f", {self.unavailable} answered 503" if self.unavailable else ""
        return f"{statistics.median(self.rates):.0f}{share}, {cpu:.1f} ms{failed}"


@dataclass(frozen=True)
class Servers:
    """Where the handlers are served, and where VWO is."""

    handlers: dict[str, Handler]
    vwo_url: str

    def fetches(self) -> int:
        with urllib.request.urlopen(f"{self.vwo_url}/fetches") as answer:  # noqa: S310 - local
            return int(answer.read())

    def compare(
        self, connections: int, *, rounds: int, seconds: float, refused: bool = False
    ) -> dict[str, Rounds]:
        """Measure the handlers in turns; each answer must be the wanted status or a 503."""
        measured = {name: Rounds() for name in self.handlers}
        secret = WRONG_SECRET if refused else SECRET
        for _ in range(rounds):
            for name, found in measured.items():
                handler = self.handlers[name]
                wanted = handler.refusal if refused else 200
                pids = gunicorn_pids(handler.port)
                before, cpu_before = self.fetches(), cpu_seconds(pids)
                statuses, took = asyncio.run(load(handler, secret, connections, seconds))
                found.cpu_seconds += cpu_seconds(pids) - cpu_before
                if set(statuses) - {wanted, 503}:
                    raise SystemExit(f"{name} was answered {dict(statuses)}")
                found.rates.append(statuses[wanted] / took)
                found.answered += statuses[wanted]
                found.unavailable += statuses[503]
                found.fetches += self.fetches() - before
        return measured


async def load(
    handler: Handler, secret: str, connections: int, seconds: float
) -> tuple[Counter[int], float]:
    """Deliver on so many connections at once; returns the statuses, and how long it took."""
    started = time.monotonic()
    statuses: Counter[int] = Counter()

    async def deliver() -> None:
        while time.monotonic() < started + seconds:
            status, _ = await send(handler.port, handler.request(next(numbers), secret))
            statuses[status] += 1

    await asyncio.gather(*(deliver() for _ in range(connections)))
    return statuses, time.monotonic() - started


@contextlib.contextmanager
def servers(
    site: Site, vwo_url: str, workers: str, *, beside: Site | None = None
) -> Iterator[Servers]:
    """Serves the floor and the app, and with them the naive handler, or the site of the peers."""
    # the SDK's polling timer would keep a worker of the naive site alive for ten minutes
    options = [*WORKERS[workers], "--graceful-timeout", "1"]
    other = beside or site.without_the_app()
    with site.gunicorn(*options) as port, other.gunicorn(*options) as other_port:
        floor, naive, app = (
            functools.partial(post, path) for path in ("/floor/", "/naive/", "/webhooks/vwo/")
        )
        others = {"naive": Handler(other_port, naive)}
        if beside:
            others = {
                "dj-stripe": Handler(other_port, peers.stripe, refusal=400),
                "django-github-app": Handler(other_port, peers.github, refusal=400),
            }
        handlers = {"floor": Handler(port, floor), **others, "app": Handler(port, app)}
        for handler in handlers.values():
            asyncio.run(load(handler, SECRET, 4, 0.5))
        yield Servers(handlers, vwo_url)


def add_row(table: Table, measured: dict[str, Rounds], *described: object) -> None:
    app, floor = measured["app"], measured["floor"]
    fetched = f"{app.answered / app.fetches:.1f}" if app.fetches else ""
    cells = [found.text(floor) for found in measured.values()]
    table.add(*described, *cells, fetched)


def measure(table: Table, url: str, args: argparse.Namespace) -> None:
    time_of_each = {"rounds": args.rounds, "seconds": args.seconds}
    for features, changing in itertools.product(args.features, args.changing):
        with vwo(features, changing=changing == "yes") as vwo_url:
            site = Site(url, SDK_OPTIONS={"proxy_url": vwo_url})
            for workers in args.workers:
                name = f"{DATABASES[url.partition(':')[0]]}, {WORKERS_NAMES[workers]}"
                site.create_tables()
                with servers(site, vwo_url, workers) as running:
                    for connections in args.connections:
                        measured = running.compare(connections, **time_of_each)
                        delivery = f"accepted, {SETTINGS[changing]}"
                        add_row(table, measured, name, delivery, features, connections)
                    if changing == args.changing[0]:
                        measured = running.compare(8, refused=True, **time_of_each)
                        add_row(table, measured, name, "refused", features, 8)


def table(options: Options) -> Table:
    found = Table("Deliveries", NOTE, COLUMNS)
    usual = ["--workers", "threads", "--connections", "1", "8", "--seconds", "0.5"]
    usual += ["--rounds", str(options.times(4))]
    args = arguments().parse_args([*usual, "--features", "1", "100", "300"])
    with database("sqlite") as url:
        measure(found, url, args)
    if options.database:
        args = arguments().parse_args([*usual, "--features", "100"])
        measure(found, options.database, args)
    else:
        found.skipped.append("PostgreSQL, since no `DB=` was given")
    return found


def peers_table(options: Options) -> Table:
    columns = ["Delivery", "Connections", "Floor", "dj-stripe", "django-github-app", "The app"]
    found = Table("Deliveries, beside other packages' views", PEERS_NOTE, columns)
    if not peers.installed():
        found.skipped.append("the packages in `benchmarks/peers.txt` are not installed")
        return found
    with vwo(100, changing=True) as vwo_url, database("sqlite") as url, database("sqlite") as other:
        site, beside = Site(url, SDK_OPTIONS={"proxy_url": vwo_url}), Site(other).using(PEERS)
        site.create_tables()
        beside.manage("migrate", "--run-syncdb", "-v0")
        beside.output("-m", "benchmarks.sites.peers.create_endpoint")
        with servers(site, vwo_url, "threads", beside=beside) as running:
            for connections, refused in itertools.product([1, 8], [False, True]):
                measured = running.compare(
                    connections, rounds=options.times(4), seconds=0.5, refused=refused
                )
                cells = [each.text(measured["floor"]) for each in measured.values()]
                found.add("refused" if refused else "accepted", connections, *cells)
    return found


def arguments() -> argparse.ArgumentParser:
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
        choices=SETTINGS,
        default=list(SETTINGS),
        help="whether VWO serves other settings on each fetch",
    )
    options.add_argument(
        "--features", nargs="+", type=int, default=[1, 200], help="how many flags VWO has"
    )
    options.add_argument("--seconds", type=float, default=2.0, help="of each round")
    options.add_argument("--rounds", type=int, default=5)
    return options


def main() -> None:
    args = arguments().parse_args()
    found = Table("Deliveries", NOTE, COLUMNS)
    for wanted in args.database:
        with database(wanted) as url:
            measure(found, url, args)
    print(found.markdown())


if __name__ == "__main__":
    main()
