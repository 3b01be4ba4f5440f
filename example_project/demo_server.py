"""Runs the shop under gunicorn, as a child process of the demo."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import requests

WORKERS = 2
HERE = Path(__file__).resolve().parent


class Server:
    """gunicorn with two worker processes, to be used in a ``with`` block."""

    def __init__(self, port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        bind = ["--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
        threads = ["--worker-class", "gthread", "--threads", "4", "--graceful-timeout", "3"]
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *bind, *threads, "example_project.wsgi"],
                cwd=HERE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> "Server":
        try:
            self._wait_for_start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _wait_for_start(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self.page()
            except requests.ConnectionError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise TimeoutError(f"the shop did not start:\n{self.log()}") from None
                time.sleep(0.1)
            except requests.HTTPError as error:
                raise TimeoutError(f"the shop did not start: {error}\n{self.log()}") from None
            else:
                return

    def _stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self) -> str:
        return self._log.read_text()[-4000:]

    def page(self) -> str:
        """Return which checkout and button the front page shows."""
        return self._answer()[1]

    def pages_until(self, holds: Callable[[str], bool]) -> dict[str, str]:
        """Request pages until ``holds`` is true in every process; return them by process."""
        pages: dict[str, str] = {}
        deadline = time.monotonic() + 30
        while len(pages) < WORKERS or not all(holds(page) for page in pages.values()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the pages did not change in time: {pages}")
            worker, page = self._answer()
            pages[worker] = page
        return pages

    def _answer(self) -> tuple[str, str]:
        response = requests.get(f"{self.url}/", timeout=20, headers={"Connection": "close"})
        response.raise_for_status()
        checkout = re.search(r"the (new|old) checkout", response.text)
        button = re.search(r"<button[^>]*>([^<]*)", response.text)
        if checkout is None or button is None:
            raise TimeoutError("another server answers at the shop's address")
        return response.headers["X-Worker"], f"{checkout[1]} checkout, button “{button[1]}”"


def free_port(wanted: int) -> int:
    """Return the port ``wanted`` if it is free, else another one."""
    for port in (wanted, 0):
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind(("127.0.0.1", port))
            except OSError:
                continue
            port_found: int = listening.getsockname()[1]
            return port_found
    raise OSError("no port is free")
