"""What the benchmarks share: VWO and a site as processes of their own, and figures as text."""

import argparse
import contextlib
import copy
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

SECRET = "secret-of-the-benchmarks"
TOP = Path(__file__).resolve().parent.parent


class Site:
    """A site on one database; its servers and other processes are started with ``run``."""

    def __init__(self, database_url: str, **webhook_settings: Any) -> None:
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(TOP),
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "DATABASE_URL": database_url,
            "SITE_VWO_WEBHOOKS": json.dumps(
                {"ACCOUNT_ID": "1", "SDK_KEY": "key", "SECRET": SECRET, **webhook_settings}
            ),
        }

    def using(self, settings: str) -> "Site":
        """The same site with another settings module."""
        other = copy.copy(self)
        other.environment = {**self.environment, "DJANGO_SETTINGS_MODULE": settings}
        return other

    def create_tables(self) -> None:
        """Make empty tables; those of an earlier run are dropped, whatever their columns are."""
        self.output("-m", "benchmarks.drop_tables")
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
        with self.run("-m", "gunicorn", *bind, *options, "benchmarks.wsgi"):
            wait_for_port(port)
            yield port


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
