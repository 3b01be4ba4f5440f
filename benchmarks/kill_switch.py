"""How soon every process of a fleet answers off after a kill switch was used, and on after its
release, while VWO is away; and what 20 switches in use cost an evaluation.

Eight processes evaluate a flag every 5 ms, and print a line each time that its answer changes.
"""

import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import django

from benchmarks.bench import (
    Site,
    database,
    distribution,
    interleaved,
    parser,
    seconds_a_call,
)
from benchmarks.fleet import BROADCASTS

FLAG = "flag_1"
ROUNDS = 400
CALLS = 10


def follow(count: int) -> None:
    """Fork so many processes that print ``MOMENT on`` or ``MOMENT off``."""
    django.setup()
    from django_vwo_webhooks.sdk import load_sdk

    load_sdk()  # once, before the forks
    for _ in range(count):
        if os.fork() == 0:
            _evaluate()
    sys.stdin.readline()
    os.killpg(0, 9)


def _evaluate() -> None:
    from django_vwo_webhooks.client import get_client

    before = None
    while True:
        on = get_client().get_flag(FLAG, {"id": "u"}).is_enabled()
        if on is not before:
            os.write(1, f"{time.monotonic()} {'on' if on else 'off'}\n".encode())
            before = on
        time.sleep(0.005)


def measure_changes(lines: Any, args: Any) -> None:
    from django_vwo_webhooks import kill_switch

    def moments(expected: str) -> list[float]:
        """When each process had the answer, in this order."""
        answers = [lines.readline().split() for _ in range(args.processes)]
        assert {answer for _, answer in answers} == {expected}
        return sorted(float(moment) for moment, _ in answers)

    moments("on")
    time.sleep(2)
    seconds: dict[str, list[list[float]]] = {"off": [], "on": []}
    for number in range(args.uses):
        for answer in seconds:
            began_at = time.monotonic()
            if answer == "off":
                kill_switch.use(FLAG, reason="benchmark", by="benchmark")
            else:
                kill_switch.release(FLAG, by="benchmark")
            seconds[answer].append([moment - began_at for moment in moments(answer)])
            time.sleep(0.1 + 0.037 * (number % 7))  # at no fixed moment of the poll interval
    for call, answer in (("use", "off"), ("release", "on")):
        each = list(itertools.chain.from_iterable(seconds[answer]))
        last = [moment for *_, moment in seconds[answer]]
        print(f"from the call of {call}() to a process: {distribution(each)}")
        print(f"from the call of {call}() to the last process: {distribution(last)}")


def measure_evaluations() -> None:
    from django_vwo_webhooks import kill_switch
    from django_vwo_webhooks.client import get_client
    from django_vwo_webhooks.sdk.switched_off import switched_off

    client = get_client()
    for number in range(20):
        kill_switch.use(f"other_{number}", reason="benchmark", by="benchmark")
    in_use: dict[str, float] = switched_off.ends_at
    none: dict[str, float] = {}
    assert len(in_use) == 20

    def evaluate(ends_at: dict[str, float]) -> None:
        switched_off.ends_at = ends_at
        client.get_flag(FLAG, {"id": "u"})

    functions = {
        "none": lambda: seconds_a_call(lambda: evaluate(none), CALLS),
        "20 in use": lambda: seconds_a_call(lambda: evaluate(in_use), CALLS),
    }
    found = interleaved(functions, ROUNDS)
    medians = {name: 1e6 * statistics.median(seconds) for name, seconds in found.items()}
    print(", ".join(f"{name}: {median:.2f} µs" for name, median in medians.items()))


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--broadcast", choices=BROADCASTS, default="database")
    options.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="its URL, for redis")
    options.add_argument("--processes", type=int, default=8)
    options.add_argument("--uses", type=int, default=20)
    options.add_argument("--follow", type=int, help="be the processes, as this script starts them")
    args = options.parse_args()
    if args.follow:
        follow(args.follow)
        return
    broadcast = BROADCASTS[args.broadcast]
    if args.broadcast == "redis":
        broadcast["OPTIONS"] = {"url": args.redis}
    from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

    with contextlib.ExitStack() as stack:
        vwo = stack.enter_context(VWOSimulator(build_settings(feature(FLAG))))
        url = stack.enter_context(database(args.database))
        sending = {"proxy_url": vwo.url, "batch_event_data": {"request_time_interval": 600}}
        site = Site(url, SDK_OPTIONS=sending, BROADCAST=broadcast)
        site.create_tables()
        site.manage("vwo_refresh")
        vwo.refuse()
        command = ["-m", "benchmarks.kill_switch", "--follow", str(args.processes)]
        pipe = subprocess.PIPE
        fleet = stack.enter_context(
            site.run(*command, start_new_session=True, stdin=pipe, stdout=pipe)
        )
        os.environ.update(site.environment)
        django.setup()
        print(f"{args.processes} processes, broadcast {args.broadcast}, {url.partition(':')[0]}:")
        measure_changes(fleet.stdout, args)
        assert fleet.stdin is not None
        fleet.stdin.write("\n")
        fleet.stdin.flush()
        fleet.wait()
        measure_evaluations()


if __name__ == "__main__":
    main()
