"""A change a second for an hour while visitors are served: no wrong flag, and nothing that grows.

A flag is wrong if it differs from every state that VWO had within the last ``--lag`` seconds.
"""

import argparse
import json
import threading
import time
import urllib.request
from pathlib import Path

from benchmarks.bench import SECRET, Site, database, parser
from benchmarks.load import payload
from benchmarks.processes import gunicorn_pids, private_kibibytes
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

WORKERS = 4
VISITORS = 8
FLAGS_A_PAGE = 10
REPORT_EVERY = 60


class Watch:
    """Watches what the processes of the web server hold."""

    def __init__(self, port: int) -> None:
        self.pids = gunicorn_pids(port)

    def totals(self) -> dict[str, int]:
        """Private memory in KiB, threads, open files, and those of them that are sockets."""
        threads = 0
        files: list[str] = []
        for pid in self.pids:
            process = Path(f"/proc/{pid}")
            threads += len(list((process / "task").iterdir()))
            files += [_target(link) for link in (process / "fd").iterdir()]
        return {
            "KiB": private_kibibytes(self.pids),
            "threads": threads,
            "files": len(files),
            "sockets": sum(target.startswith("socket:") for target in files),
        }


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


class Visitors:
    """Threads that request a page at a steady rate, and compare its flags with VWO's states."""

    def __init__(self, port: int, pages_a_second: float, lag_seconds: float) -> None:
        self.states: list[tuple[float, str]] = [(time.monotonic(), "red")]
        """When VWO began to serve a color, and which."""
        self.evaluations, self.wrong = 0, 0
        self._url = f"http://127.0.0.1:{port}/flag/?times={FLAGS_A_PAGE}"
        self._pause_seconds = VISITORS / pages_a_second
        self._lag_seconds = lag_seconds
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(VISITORS)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._pause_seconds):
            started = time.monotonic()
            with urllib.request.urlopen(self._url) as answer:  # noqa: S310 - this machine
                colors = json.load(answer)["colors"]
            right = self._right_since(started - self._lag_seconds)
            with self._lock:
                self.evaluations += len(colors)
                self.wrong += sum(color not in right for color in colors)

    def _right_since(self, started: float) -> set[str]:
        states = list(self.states)
        in_force_then = [color for at, color in states if at <= started][-1:]
        return {color for at, color in states if at > started} | set(in_force_then)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def deliver(port: int, number: int) -> int:
    """Deliver the webhook of a change; returns the status of the answer."""
    headers = {"x-vwo-auth": SECRET, "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{port}/webhooks/vwo/"
    request = urllib.request.Request(url, json.dumps(payload(number)).encode(), headers)
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - this machine
        return int(answer.status)


def run(args: argparse.Namespace, url: str) -> None:
    with VWOSimulator(build_settings(feature("flag_1", variables={"color": "red"}))) as vwo:
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo.url})
        site.create_tables()
        with site.gunicorn("-w", str(WORKERS), "-k", "gthread", "--threads", "4") as port:
            deliver(port, 0)
            time.sleep(2)
            visitors = Visitors(port, args.evaluations / FLAGS_A_PAGE, args.lag)
            watch = Watch(port)
            try:
                _change_each_second(vwo, port, visitors, watch, int(args.minutes * 60))
            finally:
                visitors.end()


def _change_each_second(
    vwo: VWOSimulator, port: int, visitors: Visitors, watch: Watch, changes: int
) -> None:
    started = time.monotonic()
    for number in range(1, changes + 1):
        time.sleep(max(0.0, started + number - time.monotonic()))
        color = f"shade {number}"
        visitors.states = [*visitors.states[-60:], (time.monotonic(), color)]
        vwo.set_flag("flag_1", variables={"color": color})
        if deliver(port, number) != 200:
            raise SystemExit(f"change {number} was not answered 200")
        if number % REPORT_EVERY == 0 or number in (5, changes):
            print(
                f"{number:5} changes, {visitors.evaluations} evaluations, "
                f"{visitors.wrong} wrong, {watch.totals()}",
                flush=True,
            )


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--evaluations", type=float, default=200, help="a second")
    options.add_argument("--lag", type=float, default=3.0, help="seconds that a flag may be old")
    args = options.parse_args()
    with database(args.database) as url:
        run(args, url)


if __name__ == "__main__":
    main()
