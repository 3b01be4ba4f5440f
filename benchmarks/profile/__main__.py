"""Where the time of one delivery goes, in one process without a web server.

The floor, the naive handler and the app first take turns, to compare the mean time of a delivery;
then a sampler shows the app's time by phase, by function, and the statements of one delivery.
"""

import contextlib
import json
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

from benchmarks.bench import Site, database, parser, vwo

PATHS = {"floor": "/floor/", "naive": "/naive/", "app": "/webhooks/vwo/"}


class Handler:
    """A process that handles deliveries when it is asked to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin: IO[str] = process.stdin
        self._stdout: IO[str] = process.stdout

    def ask(self, count: int, *, sample: bool = False) -> Any:
        self._stdin.write(json.dumps({"count": count, "sample": sample}) + "\n")
        self._stdin.flush()
        line = self._stdout.readline()
        if not line:
            raise SystemExit("The process that handles deliveries has ended.")
        return json.loads(line)

    def milliseconds(self, count: int) -> tuple[float, float]:
        """The mean time of a delivery, and how much of the CPU's time this process took for it."""
        found = self.ask(count)
        return 1000 * found["seconds"] / count, 1000 * found["cpu_seconds"] / count


@contextlib.contextmanager
def handlers(url: str, vwo_url: str) -> Iterator[dict[str, Handler]]:
    site = Site(url, SDK_OPTIONS={"proxy_url": vwo_url})
    naive = site.using("benchmarks.sites.naive.settings")
    site.create_tables()
    with contextlib.ExitStack() as stack:
        yield {
            name: Handler(
                stack.enter_context(
                    (naive if name == "naive" else site).run(
                        "-m",
                        "benchmarks.profile.deliveries",
                        path,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                    )
                )
            )
            for name, path in PATHS.items()
        }


def print_means(running: dict[str, Handler], count: int, rounds: int) -> None:
    means: dict[str, list[tuple[float, float]]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, handler in running.items():
            means[name].append(handler.milliseconds(count))
    floor = [total for total, _ in means["floor"]]
    for name, found in means.items():
        totals, cpu = zip(*found, strict=True)
        share = statistics.median(a / b for a, b in zip(floor, totals, strict=True))
        print(
            f"{name:6} {statistics.median(totals):7.2f} ms a delivery (the fastest round "
            f"{min(totals):.2f}), of which CPU {statistics.median(cpu):.2f}; "
            f"the floor's time is {share:.2f} of it"
        )


def print_profile(found: dict[str, Any], count: int, most: int) -> None:
    print(f"\nThe app with the sampler: {1000 * found['seconds'] / count:.2f} ms a delivery.")
    phases: dict[str, Counter[str]] = {}
    for phase, layer, seconds in found["phases"]:
        phases.setdefault(phase, Counter())[layer] += 1000 * seconds / count
    print(f"\n{'ms by phase':58} {'all':>6} {'database':>9} {'ORM':>6} {'other':>6}")
    for phase, layers in sorted(phases.items(), key=lambda item: -item[1].total()):
        cells = f"{layers.total():6.2f} {layers['database']:9.2f} {layers['ORM']:6.2f}"
        print(f"{phase:58} {cells} {layers['other']:6.2f}")
    print("\nms by the package's innermost function, with the libraries that it uses")
    for function, seconds in Counter(found["functions"]).most_common(most):
        print(f"{1000 * seconds / count:6.2f}  {function}")


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--changing", action="store_true", help="other settings on each fetch")
    options.add_argument("--features", type=int, default=1, help="how many flags VWO has")
    options.add_argument("--deliveries", type=int, default=100, help="in each round")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--functions", type=int, default=25, help="how many to list")
    options.add_argument("--width", type=int, default=150, help="of a statement, in characters")
    args = options.parse_args()
    with (
        vwo(args.features, changing=args.changing) as vwo_url,
        database(args.database) as url,
        handlers(url, vwo_url) as running,
    ):
        print(Site(url).output("-m", "benchmarks.sites.database_version"), flush=True)
        print_means(running, args.deliveries, args.rounds)
        count = args.deliveries * args.rounds
        print_profile(running["app"].ask(count, sample=True), count, args.functions)
        print("\nThe statements of one delivery")
        for statement in running["app"].ask(0):
            print(f"  {statement[: args.width]}")


if __name__ == "__main__":
    main()
