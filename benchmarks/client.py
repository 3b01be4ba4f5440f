"""What ``get_client()`` and ``get_flag`` cost, beside a plain client of the SDK.

Two processes take turns: one of a site with the app, one of a site with a client as the vendor's
documentation makes it. The app's process also measures the SDK's method of the same name on the
same client, which leaves out what the app adds, and reading the settings anew.
"""

import functools
import statistics
from collections.abc import Callable

from django.apps import apps

from benchmarks.bench import (
    Options,
    Table,
    duration,
    interleaved,
    ratio,
    seconds_a_call,
    show,
    site_on_sqlite,
    vwo,
    worker,
)
from benchmarks.sites.client import get_client

FLAGS = [1, 20, 100, 300]
CALLS = {"get_client()": 1000, "get_flag": 1}
VISITOR = {"id": "visitor", "custom_variables": {"plan": "pro"}}
NOTE = """\
One call, in the median. A plain client of the SDK validates the whole settings document in each
call of `get_flag`; the app validates a document once. *The bare evaluation* is the SDK's
`get_flag` on the app's client, so its ratio is what the app adds. `get_client()` of the app
compares the settings of the site with those that the client has; its baselines are a function
that returns a cached client, and reading account, key and options anew."""


def functions() -> dict[str, dict[str, Callable[[], object]]]:
    """What is measured in a process of either site."""
    client = get_client()
    flag = f"flag_{len(client.original_settings['features'])}"
    found: dict[str, dict[str, Callable[[], object]]] = {
        "get_client()": {"client": get_client},
        "get_flag": {"client": lambda: client.get_flag(flag, VISITOR)},
    }
    if apps.is_installed("django_vwo_webhooks"):
        # only once Django has been set up
        from vwo import VWOClient

        from django_vwo_webhooks.client import get_client as get_our_client
        from django_vwo_webhooks.conf import app_settings

        found["get_client()"] = {
            "client": get_our_client,
            "bare": lambda: (
                app_settings.account_id,
                app_settings.sdk_key,
                app_settings.sdk_options,
            ),
        }
        found["get_flag"]["bare"] = lambda: VWOClient.get_flag(client, flag, VISITOR)
    else:
        from benchmarks.sites.naive.client import get_client as get_plain_client

        found["get_client()"]["client"] = get_plain_client
    return found


def measure(call: str, calls: int, rounds: int) -> dict[str, list[float]]:
    """The seconds that a call took, in the mean of each round."""
    timed = {
        name: functools.partial(seconds_a_call, function, calls)
        for name, function in functions()[call].items()
    }
    return interleaved(timed, rounds)


def compare(flags: int, call: str, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """What a call took in the app, in the plain client, and bare."""
    app: list[float] = []
    plain: list[float] = []
    bare: list[float] = []
    with (
        vwo(flags) as url,
        site_on_sqlite(url) as site,
        worker(site, measure) as with_app,
        worker(site.without_the_app(), measure) as with_plain_client,
    ):
        calls = CALLS[call]
        for one in (with_app, with_plain_client):
            one.ask(call=call, calls=calls, rounds=2)
        for _ in range(rounds):
            ours = with_app.ask(call=call, calls=calls, rounds=15)
            app.append(statistics.median(ours["client"]))
            bare.append(statistics.median(ours["bare"]))
            plain += with_plain_client.ask(call=call, calls=calls, rounds=1)["client"]
    return app, plain, bare


def table(options: Options) -> Table:
    columns = ["", "Flags", "The app", "Plain client", "Ratio", "The bare evaluation", "Ratio"]
    found = Table("`get_client()` and `get_flag`", NOTE, columns)
    for call, flags in [("get_client()", 20), *(("get_flag", flags) for flags in FLAGS)]:
        app, plain, bare = compare(flags, call, options.times(20))
        medians = [duration(statistics.median(each)) for each in (app, plain, bare)]
        beside_plain, beside_bare = ratio(app, plain), ratio(app, bare)
        shown = f"{beside_plain:.2g}" if beside_plain < 1 else f"{beside_plain:.2f}"
        found.add(f"`{call}`", flags, *medians[:2], shown, medians[2], f"{beside_bare:.2f}")
    return found


if __name__ == "__main__":
    show(table)
