"""What the lists of the admin cost with a large event log, beside those of an empty one."""

from benchmarks.bench import Options, Table, duration, show, site_on_sqlite, worker

EVENTS = 100_000
"""A million takes minutes to fill in: ``python -m benchmarks.trail`` does, or ``--scale 10``."""
NOTE = """\
The pages that a superuser requests, without a web server, in the median of three rounds; in
brackets how many statements each executes. Beside them the same pages without any event, where
there is nothing to show. No list counts all of its rows."""

filled = False


def measure(events: int) -> dict[str, tuple[float, int]]:
    """Fill the tables once; returns the seconds and the statements of each page."""
    # only once Django has been set up
    from benchmarks.trail.fill import fill
    from benchmarks.trail.pages import Reader, lists

    global filled
    if events and not filled:
        fill(events)
        filled = True
    reader = Reader()
    costs = {name: reader.measure(url)[0] for name, url in lists().items()}
    return {name: (cost.total, cost.queries) for name, cost in costs.items()}


def table(options: Options) -> Table:
    events = options.times(EVENTS)
    with (
        site_on_sqlite("http://127.0.0.1:1") as large,
        site_on_sqlite("http://127.0.0.1:1") as empty,
        worker(large, measure) as of_large,
        worker(empty, measure) as of_empty,
    ):
        found = of_large.ask(events=events), of_empty.ask(events=0)
    titles = ["Page", "Without events", f"{events:,} events", "Ratio"]
    shown = Table("The lists of the admin", NOTE, titles)
    for name in found[0]:
        (seconds, statements), (baseline, baseline_statements) = (each[name] for each in found)
        shown.add(
            name,
            f"{duration(baseline)} ({baseline_statements})",
            f"{duration(seconds)} ({statements})",
            f"{seconds / baseline:.2f}",
        )
    return shown


if __name__ == "__main__":
    show(table)
