"""Real servers on this test's site and database."""

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import requests

from ..conftest import site_environment


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@contextlib.contextmanager
def running(command: list[str], **environment: str) -> Iterator[str]:
    """Runs a server; ``PORT`` in the command becomes a free one. Yields the site's URL."""
    port = str(free_port())
    command = [part.replace("PORT", port) for part in command]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=site_environment(SITE_URLCONF="tests.servers.site", **environment),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for_answer(url, process)
            yield url
        except BaseException:
            log.seek(0)
            print(log.read()[-8000:])
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            running.stop_seconds = time.monotonic() - started


def _wait_for_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(f"{url}/flag/", timeout=5)
        except requests.ConnectionError:
            assert process.poll() is None, "the server did not start"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)
        else:
            return


def colors(url: str, workers: int, page: str = "flag") -> dict[int, str]:
    """What each worker serves now; asks until all of them have answered."""
    seen: dict[int, str] = {}
    deadline = time.monotonic() + 30
    while len(seen) < workers:
        assert time.monotonic() < deadline, f"only {len(seen)} workers answer"
        answer = requests.get(f"{url}/{page}/", timeout=10, headers={"Connection": "close"}).json()
        seen[answer["pid"]] = answer["color"]
    return seen
