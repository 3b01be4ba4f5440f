"""What the benchmarks share: their options and tables, and VWO and a site as processes."""

import argparse
import contextlib
import copy
import functools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import django

SECRET = "secret-of-the-benchmarks"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
TOP = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Options:
    """What a run of the tables was asked for."""

    database: str = ""
    """The URL of a PostgreSQL database for the rows that need one; its tables are dropped."""
    redis: str = ""
    scale: float = 1
    """How many times the usual rounds, changes and events."""

    def times(self, usual: int, *, least: int = 1) -> int:
        return max(least, round(usual * self.scale))


@dataclass
class Table:
    """What one benchmark found; ``note`` says how it was measured, and what it means."""

    title: str
    note: str
    columns: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """What was left out, and why."""

    def add(self, *cells: object) -> None:
        self.rows.append(cells)

    def markdown(self) -> str:
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        table = "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)
        skipped = [f"Skipped: {'; '.join(self.skipped)}."] if self.skipped else []
        return "\n\n".join([f"## {self.title}", self.note, table, *skipped]) + "\n"


class Site:
    """A site on one database; its servers and other processes are started with ``run``."""

    def __init__(self, database_url: str, **webhook_settings: Any) -> None:
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(TOP),
            "PYTHONDONTWRITEBYTECODE": "",  # set, each process would compile the modules again
            "DJANGO_SETTINGS_MODULE": "benchmarks.sites.settings",
            "DATABASE_URL": database_url,
            "SITE_VWO_WEBHOOKS": json.dumps(
                {"ACCOUNT_ID": "1", "SDK_KEY": "key", "SECRET": SECRET, **webhook_settings}
            ),
        }

    def without_the_app(self) -> "Site":
        """The same site with the plain SDK client and the naive handler in place of the app."""
        return self.using("benchmarks.sites.naive.settings")

    def using(self, settings: str) -> "Site":
        """The same site with another settings module."""
        other = copy.copy(self)
        other.environment = {**self.environment, "DJANGO_SETTINGS_MODULE": settings}
        return other

    def create_tables(self) -> None:
        """Make empty tables; those of an earlier run are dropped, whatever their columns are."""
        self.output("-m", "benchmarks.sites.drop_tables")
        self.manage("migrate", "-v0")

    def manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "django", *arguments], env=self.environment, check=True
        )

    def output(self, *command: str) -> str:
        """Run a command of Python's to its end; returns what it printed."""
        finished = subprocess.run(
            [sys.executable, *command],
            env=self.environment,
            cwd=TOP,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return finished.stdout.strip()

    @contextlib.contextmanager
    def run(self, *command: str, **popen: Any) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            [sys.executable, *command], env=self.environment, text=True, cwd=TOP, **popen
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()

    @contextlib.contextmanager
    def gunicorn(self, *options: str) -> Iterator[int]:
        """Runs the site's web server; yields its port."""
        port = free_port()
        bind = ["--bind", f"127.0.0.1:{port}", "--backlog", "2048", "--log-level", "critical"]
        with self.run("-m", "gunicorn", *bind, *options, "benchmarks.sites.wsgi"):
            wait_for_port(port)
            yield port


class Worker:
    """A process of a site that runs one function each time that it is asked to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin: IO[str] = process.stdin
        self._stdout: IO[str] = process.stdout

    def ask(self, **arguments: Any) -> Any:
        self.begin(**arguments)
        return self.result()

    def begin(self, **arguments: Any) -> None:
        self._stdin.write(json.dumps(arguments) + "\n")
        self._stdin.flush()

    def result(self) -> Any:
        line = self._stdout.readline()
        if not line:
            raise SystemExit("A process of the benchmarks has ended.")
        return json.loads(line)


@contextlib.contextmanager
def worker(site: Site, function: Callable[..., object]) -> Iterator[Worker]:
    """Runs a function of a module of the benchmarks in a process of the site."""
    name = function.__module__
    if name == "__main__":
        name = sys.modules[name].__spec__.name  # type: ignore[union-attr]
    code = (
        f"from benchmarks.bench import serve_tasks; from {name} import {function.__name__};"
        f"serve_tasks({function.__name__})"
    )
    with site.run("-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Worker(process)
        finally:
            process.kill()  # a plain SDK client would keep it alive


def serve_tasks(function: Callable[..., object]) -> None:
    """What a worker does: a line in is a task, a line out its result."""
    results = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a plain SDK client prints to it
    django.setup()
    for line in sys.stdin:
        print(json.dumps(function(**json.loads(line))), file=results, flush=True)


@contextlib.contextmanager
def vwo(features: int, *, changing: bool = False) -> Iterator[str]:
    """A VWO with so many flags, in a process of its own; yields its URL.

    With ``changing`` each fetch brings settings that differ from those before.
    """
    options = ["--features", str(features), *(["--changing"] if changing else [])]
    with serve("benchmarks.vwo_server", *options) as (url, _):
        yield url


@contextlib.contextmanager
def serve(module: str, *options: str) -> Iterator[tuple[str, int]]:
    """Runs a module that serves HTTP on ``--port``; yields its URL and its process id."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", str(port), *options],
        stdout=subprocess.DEVNULL,
        cwd=TOP,
    )
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def database(url: str) -> Iterator[str]:
    """``url``, or for "sqlite" that of a new file; ``Site.create_tables`` empties either."""
    if url != "sqlite":
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="vwo-bench-") as folder:
        yield f"sqlite:///{folder}/bench.sqlite3"


@contextlib.contextmanager
def site_on_sqlite(vwo_url: str, **webhook_settings: Any) -> Iterator[Site]:
    """A site with empty tables in a new SQLite file, which sends no impressions by itself."""
    options = {
        "proxy_url": vwo_url,
        "batch_event_data": {"events_per_request": 5000, "request_time_interval": 600},
    }
    with database("sqlite") as url:
        _sqlite_file(url).write_bytes(_empty_tables())
        yield Site(url, **{"SDK_OPTIONS": options, **webhook_settings})


@functools.cache
def _empty_tables() -> bytes:
    """A SQLite file with the tables of the site, made once."""
    with database("sqlite") as url:
        Site(url).manage("migrate", "-v0")
        return _sqlite_file(url).read_bytes()


def _sqlite_file(url: str) -> Path:
    return Path(url.removeprefix("sqlite://"))


def interleaved(
    functions: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """What each function returned, in turns: each is first in half of the rounds."""
    found: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds):
        for name, function in list(functions.items())[:: 1 if number % 2 else -1]:
            found[name].append(function())
    return found


def ratio(found: Sequence[float], baseline: Sequence[float]) -> float:
    """The median of the ratios of interleaved rounds."""
    return statistics.median(one / other for one, other in zip(found, baseline, strict=True))


def duration(seconds: float) -> str:
    """Three digits with the unit that fits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        value = seconds * factor
        if value >= 0.9995 or unit == "µs":
            return f"{value:#.3g}".removesuffix(".") + f" {unit}"
    raise AssertionError("unreachable")


def seconds_a_call(function: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - started) / calls


def parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--database",
        default="sqlite",
        help="the URL of a database, whose tables are dropped; default: SQLite in a new file",
    )
    return parser


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def distribution(seconds: Sequence[float]) -> str:
    """Minimum, median, 90th and 99th percentile and maximum, in milliseconds."""
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    median = 1000 * statistics.median(ordered)
    return (
        f"min {at(0):.1f}, median {median:.1f}, p90 {at(0.9):.1f}, p99 {at(0.99):.1f}, "
        f"max {1000 * ordered[-1]:.1f} ms"
    )


def options_parser(description: str | None) -> argparse.ArgumentParser:
    """For the tables: what ``Options`` has."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument(
        "--database", default="", help="the URL of a PostgreSQL database, whose tables are dropped"
    )
    options.add_argument("--redis", default="", help="the URL of a Redis server")
    options.add_argument(
        "--scale", type=float, default=1, help="how many times the usual rounds to measure"
    )
    return options


def show(table: Callable[[Options], Table]) -> None:
    """Print one table: the command line of a module that has no other options."""
    args = options_parser(sys.modules["__main__"].__doc__).parse_args()
    print(table(Options(args.database, args.redis, args.scale)).markdown())
