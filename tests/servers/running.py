"""Real servers on this test's site and database."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings as site

from tests.conftest import PAYLOAD, site_environment

LIBRARIES = ["-c", "python:tests.servers.libraries"]
"""Options of gunicorn's that make many workers start in half the time."""

THREADS = ["-k", "gthread", "--threads", "4"]


def gunicorn(workers: int, *options: str) -> list[str]:
    """The command for ``running``."""
    listening = ["-b", "127.0.0.1:PORT", "-w", str(workers)]
    return ["gunicorn", *listening, *options, "tests.servers.wsgi"]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@contextlib.contextmanager
def started(command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs ``python -m COMMAND`` on this test's site; its output is shown when a test fails."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=site_environment(**{"SITE_URLCONF": "tests.servers.site", **environment}),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        except BaseException:
            log.seek(0)
            print(log.read()[-8000:])
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def running(command: list[str], **environment: str) -> Iterator[str]:
    """Runs a web server; ``PORT`` in the command becomes a free one. Yields the site's URL."""
    port = str(free_port())
    command = [part.replace("PORT", port) for part in command]
    with started(command, **environment) as process:
        url = f"http://127.0.0.1:{port}"
        _wait_for_answer(url, process)
        yield url
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 9, "the server took too long to stop"


def _wait_for_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(f"{url}/flag/", timeout=5)
        except (requests.ConnectionError, requests.Timeout):
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        else:
            return


def answers(ask: Callable[[], dict[str, Any]], workers: int) -> dict[int, dict[str, Any]]:
    """What each worker answers now, by its pid; asks until all of them have answered."""
    seen: dict[int, dict[str, Any]] = {}
    deadline = time.monotonic() + 30
    while len(seen) < workers:
        assert time.monotonic() < deadline, f"only {len(seen)} workers answer"
        answer = ask()
        seen[answer["pid"]] = answer
    return seen


def colors(ask: Callable[[], dict[str, Any]], workers: int) -> set[str]:
    """Which flag the workers serve now."""
    return {answer["color"] for answer in answers(ask, workers).values()}


def post(url: str, *, secret: str = "", **changes: Any) -> requests.Response:
    """Posts a delivery as VWO does."""
    headers = {"x-vwo-auth": secret or site.VWO_WEBHOOKS["SECRET"]}
    return requests.post(
        f"{url}/webhooks/vwo/", json={**PAYLOAD, **changes}, headers=headers, timeout=20
    )


def page(url: str) -> Callable[[], dict[str, Any]]:
    """Asks a page for what ``served`` reports, on another connection each time."""
    parts = urlsplit(url)

    def ask() -> dict[str, Any]:
        # tests ask thousands of times, for a fifth of what requests costs
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", parts.path, headers={"Connection": "close"})
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer

    return ask


@contextlib.contextmanager
def celery_workers(**environment: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Runs two of them; yields what asks one for what ``served`` reports."""
    pytest.importorskip("celery")
    command = ["celery", "-A", "tests.servers.celery", "worker", "--pool=prefork", "-c", "2"]
    with started([*command, "--without-gossip", "--without-mingle"], **environment):
        from tests.servers.celery import app

        app.control.purge()
        asked: list[Any] = []

        def ask() -> dict[str, Any]:
            # two at once, or the pool would give each to the same process
            while not asked:
                asked.extend(app.send_task("tests.servers.tasks.flag") for _ in range(2))
            answer: dict[str, Any] = asked.pop().get(timeout=30)
            return answer

        yield ask
