"""What the app's detection of changes costs beside reading and writing the same documents."""

import json
import statistics
from typing import Any

from benchmarks.bench import (
    Options,
    Site,
    Table,
    duration,
    interleaved,
    ratio,
    seconds_a_call,
    show,
    worker,
)
from django_vwo_webhooks.changes import compare
from django_vwo_webhooks.testing import build_settings, feature

FLAGS = 300
NOTE = f"""\
`compare` of two documents of {FLAGS} flags, as each refresh with changes runs it once in the whole
fleet. Beside it `json.loads` and `json.dumps` of the same two documents."""


def load_and_dump(*documents: str) -> None:
    for text in documents:
        json.dumps(json.loads(text))


def document(changed: int) -> dict[str, Any]:
    """The settings, with another value of a variable in so many flags."""
    colors = ["blue"] * changed + ["red"] * (FLAGS - changed)
    return build_settings(
        *(
            feature(f"flag_{number}", variables={"color": each})
            for number, each in enumerate(colors)
        )
    )


def measure(changed: int, rounds: int) -> dict[str, list[float]]:
    """The seconds that each took, by round, and how many changes were found."""
    before, after = document(0), document(changed)
    texts = json.dumps(before), json.dumps(after)
    functions = {
        "compare": lambda: seconds_a_call(lambda: compare(before, after), 1),
        "json": lambda: seconds_a_call(lambda: load_and_dump(*texts), 1),
    }
    return {**interleaved(functions, rounds), "changes": [len(compare(before, after))]}


def table(options: Options) -> Table:
    found = Table("Detecting changes", NOTE, ["Changes", "`compare`", "json", "Ratio"])
    with worker(Site("sqlite:///:memory:"), measure) as process:
        for changed in (0, 1, FLAGS):
            seconds = process.ask(changed=changed, rounds=options.times(20))
            ours, baseline = seconds["compare"], seconds["json"]
            medians = (duration(statistics.median(each)) for each in (ours, baseline))
            found.add(*seconds["changes"], *medians, f"{ratio(ours, baseline):.1f}")
    return found


if __name__ == "__main__":
    show(table)
