"""A change a second, for an hour, while visitors are served: no wrong flag, and nothing that grows.

A flag is wrong that differs from every state VWO had within the last ``--lag`` seconds.
"""

import argparse
import json
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

from benchmarks.bench import SECRET, Site, database, parser

WORKERS = 4


class Watch:
    """What the processes hold: memory in KiB, threads, open files, connections."""

    def __init__(self, port: int) -> None:
        found = subprocess.run(
            ["pgrep", "-f", f"gunicorn --bind 127.0.0.1:{port}"], capture_output=True, text=True
        )
        self.pids = [int(pid) for pid in found.stdout.split()]

    def look(self) -> dict[str, int]:
        totals = {"KiB": 0, "threads": 0, "files": 0, "sockets": 0}
        for pid in self.pids:
            process = Path(f"/proc/{pid}")
            for line in (process / "smaps_rollup").read_text().splitlines():
                if line.startswith("Private_"):
                    totals["KiB"] += int(line.split()[1])
            totals["threads"] += len(list((process / "task").iterdir()))
            links = [_target(link) for link in (process / "fd").iterdir()]
            totals["files"] += len(links)
            totals["sockets"] += sum(link.startswith("socket:") for link in links)
        return totals


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


class Visitors:
    """Threads that ask for a page at a steady rate, and know which answers were right."""

    def __init__(self, port: int, a_second: float, lag: float) -> None:
        self.port, self.lag = port, lag
        self.states: list[tuple[float, str]] = [(time.monotonic(), "red")]
        self.asked, self.wrong = 0, 0
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(a_second / 8,)) for _ in range(8)]
        for thread in self.threads:
            thread.start()

    def _run(self, a_second: float) -> None:
        while not self.stop.wait(1 / a_second):
            started = time.monotonic()
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/flag/?times=10") as answer:
                colors = json.load(answer)["colors"]
            right = self._right_since(started - self.lag)
            with self.lock:
                self.asked += len(colors)
                self.wrong += sum(color not in right for color in colors)

    def _right_since(self, moment: float) -> set[str]:
        states = list(self.states)
        older = [color for at, color in states if at <= moment][-1:]
        return {color for at, color in states if at > moment} | set(older)

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


def deliver(port: int, number: int) -> int:
    body = {
        "timestamp": int(time.time()),
        "event": "settings_changed",
        "action": f"change {number}",
    }
    headers = {"x-vwo-auth": SECRET, "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{port}/webhooks/vwo/"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - an address of this machine
        return int(answer.status)


def run(args: argparse.Namespace, url: str) -> None:
    from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

    with VWOSimulator(build_settings(feature("flag_1", variables={"color": "red"}))) as vwo:
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo.url})
        site.manage("migrate", "-v0")
        with site.gunicorn("-w", str(WORKERS), "-k", "gthread", "--threads", "4") as port:
            deliver(port, 0)
            time.sleep(2)
            visitors, watch = Visitors(port, args.evaluations / 10, args.lag), Watch(port)
            started = time.monotonic()
            for number in range(1, int(args.minutes * 60) + 1):
                time.sleep(max(0.0, started + number - time.monotonic()))
                color = f"shade {number}"
                visitors.states = [*visitors.states[-60:], (time.monotonic(), color)]
                vwo.set_flag("flag_1", variables={"color": color})
                if deliver(port, number) != 200:
                    raise SystemExit(f"change {number} was not answered 200")
                if number % 60 == 0 or number == 5:
                    print(
                        f"{number:5} changes, {visitors.asked} evaluations, "
                        f"{visitors.wrong} wrong, {watch.look()}",
                        flush=True,
                    )
            visitors.end()


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
