"""What the benchmarks share: VWO and a site as processes of their own, and figures in words."""

import argparse
import contextlib
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
    """A site on one database; start its servers and other processes with ``run``."""

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

    def manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "django", *arguments], env=self.environment, check=True
        )

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
def vwo(features: int) -> Iterator[str]:
    """A VWO with so many flags, in a process of its own; yields its URL."""
    from django_vwo_webhooks.testing import build_settings, feature

    flags = [
        feature(f"flag_{number}", variables={"color": "red"}) for number in range(1, features + 1)
    ]
    port = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(build_settings(*flags), file)
        file.flush()
        command = ["-m", "django_vwo_webhooks.testing", "--port", str(port), "--settings"]
        process = subprocess.Popen(
            [sys.executable, *command, file.name], stdout=subprocess.DEVNULL, cwd=TOP
        )
        try:
            wait_for_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def database(url: str) -> Iterator[str]:
    """``url``, or for "sqlite" that of a new file; what is in there is dropped by ``migrate``."""
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
        help="a database URL (its tables are emptied); default SQLite",
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
