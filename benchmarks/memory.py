"""What a client needs in memory at 300 flags, and whether 1,000 changes make it more."""

from collections.abc import Iterator

from django.apps import apps

from benchmarks.bench import Options, Table, Worker, show, site_on_sqlite, vwo, worker
from benchmarks.processes import own_private_kibibytes
from benchmarks.sites.client import get_client

FLAGS = 300
CHANGES = 1000
WARM_UP = 20
NOTE = f"""\
The private memory of a process beyond that of the site before it made the client, at {FLAGS} flags.
Each change is fetched by the process itself: by `refresh_settings()`, which also compares and
stores them, and by the plain client's `update_settings()`. The first changes, which fill what is
kept and reused, are counted apart."""


def measure(changes: int) -> int:
    """Bring so many changes into force; returns the process's private KiB."""
    if changes < 0:
        return own_private_kibibytes()
    client = get_client()
    client.get_flag("flag_1", {"id": "visitor"})
    for _ in range(changes):
        if apps.is_installed("django_vwo_webhooks"):
            # only once Django has been set up
            from django_vwo_webhooks.refresh import refresh_settings

            refresh_settings()
        else:
            client.update_settings()
    client.get_flag("flag_1", {"id": "visitor"})
    return own_private_kibibytes()


def mebibytes(processes: dict[str, Worker], changes: list[int]) -> Iterator[list[str]]:
    """What each process has more than at first, with a column for each count of changes."""
    first: list[int] = []
    for count in [-1, *changes]:
        for process in processes.values():
            process.begin(changes=count)
        found = [process.result() for process in processes.values()]
        first = first or found
        if count >= 0:
            pairs = zip(found, first, strict=True)
            yield [f"{(now - before) / 1024:.1f} MiB" for now, before in pairs]


def table(options: Options) -> Table:
    changes = options.times(CHANGES)
    counts = [0, WARM_UP, changes]
    with (
        vwo(FLAGS, changing=True) as url,
        site_on_sqlite(url) as site,
        worker(site, measure) as app,
        worker(site.without_the_app(), measure) as plain,
    ):
        columns = ["", "client made", f"after {WARM_UP} changes", f"after {changes:,} more"]
        found = Table("Memory", NOTE, columns)
        processes = {"the app": app, "plain client": plain}
        columns_of_cells = mebibytes(processes, counts)
        found.rows += zip(processes, *columns_of_cells, strict=True)
    return found


if __name__ == "__main__":
    show(table)
