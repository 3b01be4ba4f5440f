"""What ``get_client()`` costs, and what ``get_flag`` adds to the SDK's own evaluation.

``get_client()`` is compared with reading the account, the key and the options from
``VWO_WEBHOOKS`` again, and ``get_flag`` with the SDK's method of the same name on the same client,
whose document has been validated once. The functions of a pair take turns in one process, so that
whatever else the machine does affects them alike.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

import django
from django.core.management import call_command

from benchmarks.bench import Site, vwo

ROUNDS = 4000
"""Many and short, so that most of them are not interrupted on a busy machine."""
CALLS = 25
EVALUATIONS = 1


def interleaved(
    functions: dict[str, Callable[[], object]], rounds: int, calls: int
) -> dict[str, list[float]]:
    """The seconds that one call took, by function: the mean of each round."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds):
        # the first of a round pays for cold caches, so each is first in half of the rounds
        for name, function in sorted(functions.items(), reverse=number % 2 == 0):
            started = time.perf_counter()
            for _ in range(calls):
                function()
            seconds[name].append((time.perf_counter() - started) / calls)
    return seconds


def report(title: str, seconds: dict[str, list[float]]) -> None:
    print(title)
    for name, found in seconds.items():
        print(f"  {name:26} median {1e6 * statistics.median(found):8.2f} µs")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--features", type=int, default=20, help="flags in the document")
    args = options.parse_args()
    with vwo(args.features) as url, tempfile.TemporaryDirectory() as folder:
        site = Site(
            f"sqlite://{folder}/site.sqlite3",
            # the sender must not compete with what is measured
            SDK_OPTIONS={"proxy_url": url, "batch_event_data": {"request_time_interval": 600}},
        )
        os.environ.update(site.environment)
        django.setup()
        call_command("migrate", verbosity=0)
        measure()


def measure() -> None:
    # the SDK may be imported when Django is set up
    from vwo import VWOClient

    from django_vwo_webhooks.client import get_client
    from django_vwo_webhooks.conf import app_settings
    from django_vwo_webhooks.follower import stop_following

    client = get_client()
    visitor = {"id": "visitor", "custom_variables": {"plan": "pro"}}
    key = client.original_settings["features"][-1]["key"]
    if client.snapshot_id is None:
        raise SystemExit("The client got no settings.")
    report(
        f"{ROUNDS} rounds of {CALLS} calls",
        interleaved(
            {
                "get_client()": get_client,
                "reading the settings anew": lambda: (
                    app_settings.account_id,
                    app_settings.sdk_key,
                    app_settings.sdk_options,
                ),
            },
            ROUNDS,
            CALLS,
        ),
    )
    evaluations = interleaved(
        {
            "get_flag": lambda: client.get_flag(key, visitor),
            "the SDK's own get_flag": lambda: VWOClient.get_flag(client, key, visitor),
        },
        ROUNDS,
        EVALUATIONS,
    )
    report(f"{ROUNDS} rounds of {EVALUATIONS} evaluation", evaluations)
    ours, plain = evaluations.values()
    ratio = statistics.median(one / other for one, other in zip(ours, plain, strict=True))
    print(f"  get_flag takes {ratio:.3f} times as long (median of the rounds)")
    client.flush_events()
    stop_following()


if __name__ == "__main__":
    main()
