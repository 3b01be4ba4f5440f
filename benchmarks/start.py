"""What ``django.setup()`` costs with the app among the installed apps, and without it."""

import statistics
import time

import django

from benchmarks.bench import Options, Site, Table, interleaved, show
from benchmarks.processes import own_private_kibibytes

NOTE = """\
`django.setup()` of a site with Django's admin and Django REST framework, in a process of its own
each time: CPU time, and what it added to the memory that the process shares with no other. The
app's models, admin and checks are imported then; the SDK and Django REST framework's views are not,
and nothing is started."""


def measure() -> None:
    """Prints the milliseconds and the KiB that it took in this process."""
    kibibytes, started = own_private_kibibytes(), time.process_time()
    django.setup()
    seconds = time.process_time() - started
    print(1000 * seconds, own_private_kibibytes() - kibibytes)


def table(options: Options) -> Table:
    site = Site("sqlite:///:memory:")
    memory: dict[Site, list[float]] = {}

    def milliseconds(site: Site) -> float:
        taken, kibibytes = site.output(
            "-c", f"from {__spec__.name} import measure; measure()"
        ).split()
        memory.setdefault(site, []).append(float(kibibytes))
        return float(taken)

    without = site.without_the_app()
    for each in (site, without):
        milliseconds(each)  # which compiles the modules
    taken = interleaved(
        {"app": lambda: milliseconds(site), "without": lambda: milliseconds(without)},
        options.times(15),
    )
    found = Table("`django.setup()`", NOTE, ["", "Without the app", "With the app", "Difference"])
    for name, unit, before, after in (
        ("CPU time", "ms", taken["without"], taken["app"]),
        ("memory", "MiB", _mebibytes(memory[without]), _mebibytes(memory[site])),
    ):
        more = statistics.median(b - a for a, b in zip(before, after, strict=True))
        medians = [f"{statistics.median(each):.1f} {unit}" for each in (before, after)]
        found.add(name, *medians, f"{more:+.1f} {unit}")
    return found


def _mebibytes(kibibytes: list[float]) -> list[float]:
    return [each / 1024 for each in kibibytes]


if __name__ == "__main__":
    show(table)
