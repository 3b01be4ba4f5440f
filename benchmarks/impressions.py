"""Whether every good impression reaches VWO once, beside flags and events that are bad.

Visitors evaluate a flag and one that is gone, and buy something; every second an event can't be
made JSON, and every five seconds VWO refuses one with a 400. ``--outage`` takes VWO away in the
middle: for half of that time it refuses connections, then it hangs.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import django

from benchmarks.bench import Site, database, parser
from benchmarks.processes import private_kibibytes
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature
from django_vwo_webhooks.testing.fault_injection import Behaviour
from django_vwo_webhooks.testing.records import EventRequest

ROUND_TRIP_SECONDS = 0.08
HANG_SECONDS = 3600.0
WARM_UP_SECONDS = 20
ALLOWED_SECONDS = 5


class VWO(VWOSimulator):
    """Answers each post after a round trip, refuses what is bad, and may hang."""

    hangs = False

    def record_events(self, request: EventRequest) -> Behaviour:
        if self.hangs:
            return Behaviour(delay=HANG_SECONDS)
        refused = b'"refused"' in request.body
        self._add_events(request, accepted=not refused)
        return Behaviour(status=400 if refused else None, delay=ROUND_TRIP_SECONDS)


def serve_visitors(seconds: float, visitors_a_second: int) -> None:
    """The site: what the process whose memory is measured does."""
    django.setup()
    # only once Django has been set up
    from django_vwo_webhooks.client import get_client
    from django_vwo_webhooks.sdk import load_sdk

    client = get_client()
    started = time.monotonic()
    warm_kibibytes = 0
    number = 0
    while (passed := time.monotonic() - started) < seconds:
        user = {"id": str(number)}
        assert client.get_flag("new_checkout", user).is_enabled()
        client.get_flag("gone", user)
        assert client.track_event("purchase", user, {"order": number})["purchase"]
        if number % visitors_a_second == 0:
            assert not client.track_event("purchase", user, {"order": {number}})["purchase"]
        if number % (5 * visitors_a_second) == 0:
            client.track_event("refused", user, {"order": number})
        if not warm_kibibytes and passed > WARM_UP_SECONDS:
            warm_kibibytes = private_kibibytes([os.getpid()])
        number += 1
        time.sleep(max(0.0, started + number / visitors_a_second - time.monotonic()))
    print(json.dumps({"visitors": number}), flush=True)
    sys.stdin.readline()
    waiting, dropped = load_sdk().impressions()
    kibibytes = private_kibibytes([os.getpid()]) - (
        warm_kibibytes or private_kibibytes([os.getpid()])
    )
    print(json.dumps({"waiting": waiting, "dropped": dropped, "KiB": kibibytes}), flush=True)


def settings() -> dict[str, Any]:
    document = build_settings(feature("new_checkout"), account_id="1", sdk_key="key")
    document["features"][0]["metrics"] = [
        {"id": number, "type": "CUSTOM_GOAL", "identifier": name}
        for number, name in enumerate(["purchase", "refused"], start=1)
    ]
    return document


def arrived(vwo: VWOSimulator) -> Counter[tuple[str, Any]]:
    """How often each good impression has arrived."""
    events = [each["d"] for each in vwo.impressions]
    return Counter(
        (each["event"]["name"], each["event"]["props"].get("order", each["visId"]))
        for each in events
        if each["event"]["name"] in ("purchase", "vwo_variationShown")
    )


def take_away(vwo: VWO, seconds: float, after_seconds: float) -> None:
    time.sleep(after_seconds)
    vwo.refuse()
    time.sleep(seconds / 2)
    vwo.hangs = True
    vwo.accept()
    time.sleep(seconds / 2)
    vwo.hangs = False
    # what hangs now is cut off, as by a VWO that is started again
    vwo.refuse()
    vwo.accept()


def main(options: argparse.Namespace) -> None:
    with database(options.database) as url, VWO(settings()) as vwo:
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo.url})
        site.create_tables()
        if options.outage:
            after = (options.seconds - options.outage) / 2
            arguments = (vwo, options.outage, after)
            threading.Thread(target=take_away, args=arguments, daemon=True).start()
        command = ["-m", "benchmarks.impressions", "--site", "--seconds", str(options.seconds)]
        command += ["--visitors", str(options.visitors)]
        with site.run(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            visitors = json.loads(process.stdout.readline())["visitors"]
            ended = time.monotonic()
            allowed = ALLOWED_SECONDS + options.outage
            while len(arrived(vwo)) < 2 * visitors and time.monotonic() < ended + allowed:
                time.sleep(0.1)
            took = time.monotonic() - ended
            process.stdin.write("\n")
            process.stdin.flush()
            report = json.loads(process.stdout.readline())
            process.stdin.close()
            process.wait()
        counts = arrived(vwo)
        debug_posts = sum("vwo_sdkDebug" in each.path for each in vwo.event_requests)
    print(
        f"{visitors} visitors: {len(counts)} of {2 * visitors} good impressions arrived, "
        f"{sum(counts.values()) - len(counts)} of them more than once, the last one "
        f"{took:.1f} s after the end; {debug_posts} debug posts; dropped: {report['dropped']}; "
        f"memory after {WARM_UP_SECONDS} s and at the end: {report['KiB']:+} KiB"
    )


if __name__ == "__main__":
    arguments = parser(__doc__ or "")
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--visitors", type=int, default=40, help="visitors a second")
    arguments.add_argument("--outage", type=float, default=0, help="seconds without VWO")
    arguments.add_argument("--site", action="store_true", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.site:
        serve_visitors(chosen.seconds, chosen.visitors)
    else:
        main(chosen)
