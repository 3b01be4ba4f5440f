"""How long a web server takes from SIGTERM to its end, with the app and without."""

import contextlib
import signal
import statistics
import subprocess
import time
import urllib.request

from benchmarks.bench import (
    Options,
    Site,
    Table,
    duration,
    free_port,
    ratio,
    show,
    site_on_sqlite,
    wait_for_port,
)
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

IMPRESSIONS = 50
GRACE_SECONDS = 5
NOTE = f"""\
From SIGTERM to the end of gunicorn with one sync worker, whose grace period is {GRACE_SECONDS} s.
The server without a client has evaluated no flag; with the others, {IMPRESSIONS} impressions wait
where it says so. The app sends them before it ends, for half a second at most. A plain client's
timers are no daemon threads, so its worker ends only when gunicorn kills it."""


def seconds_to_end(site: Site, page: str) -> float:
    """Start a server, request a page of it, and end it."""
    port = free_port()
    options = ["--bind", f"127.0.0.1:{port}", "--graceful-timeout", str(GRACE_SECONDS)]
    command = ["-m", "gunicorn", *options, "--log-level", "critical", "benchmarks.sites.wsgi"]
    with site.run(*command, stdout=subprocess.DEVNULL) as process:
        wait_for_port(port)
        urllib.request.urlopen(f"http://127.0.0.1:{port}{page}").close()
        time.sleep(0.5)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait()
        return time.monotonic() - started


def table(options: Options) -> Table:
    with contextlib.ExitStack() as stack:
        vwo = stack.enter_context(VWOSimulator(build_settings(feature("flag_1"))))
        down = stack.enter_context(VWOSimulator(build_settings(feature("flag_1"))))
        down.misbehave_events(delay=3600)
        site = stack.enter_context(site_on_sqlite(vwo.url))
        while_down = stack.enter_context(site_on_sqlite(down.url))
        used, impressions = "/flag/?times=0", f"/flag/?times={IMPRESSIONS}"
        cases = {
            "without a client": (site.without_the_app(), "/empty/"),
            "the app's client": (site, used),
            "the app's client, impressions wait": (site, impressions),
            "the app's client, impressions wait, VWO hangs": (while_down, impressions),
            "a plain client": (site.without_the_app(), used),
        }
        seconds: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(options.times(3)):
            for name, (each, page) in cases.items():
                seconds[name].append(seconds_to_end(each, page))
    columns = ["gunicorn with", "SIGTERM to the end", "Slowest", "Ratio"]
    found = Table("The end of a process", NOTE, columns)
    baseline = seconds["without a client"]
    for name, taken in seconds.items():
        median, slowest = duration(statistics.median(taken)), duration(max(taken))
        found.add(name, median, slowest, f"{ratio(taken, baseline):.2f}")
    return found


if __name__ == "__main__":
    show(table)
