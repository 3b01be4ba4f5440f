"""Runs the benchmarks whose tables are in docs/performance.md, and prints each as Markdown."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    client,
    comparing,
    deliveries,
    ends,
    fleet,
    machine,
    memory,
    outage,
    page,
    refreshing,
    rest,
    start,
)
from benchmarks.bench import Options, Table, options_parser
from benchmarks.trail import table as trail

TABLES: dict[str, Callable[[Options], Table]] = {
    "deliveries": deliveries.table,
    "peers": deliveries.peers_table,
    "client": client.table,
    "refreshing": refreshing.table,
    "outage": outage.table,
    "staleness": fleet.table,
    "ends": ends.table,
    "start": start.table,
    "memory": memory.table,
    "comparing": comparing.table,
    "trail": trail.table,
    "rest": rest.table,
}


def run(names: list[str], options: Options) -> Iterator[str]:
    """The head and each table, as soon as it has been measured."""
    yield machine.describe(options)
    started = time.monotonic()
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        yield TABLES[name](options).markdown()
    minutes = (time.monotonic() - started) / 60
    scale = "" if options.scale == 1 else f", with --scale {options.scale:g}"
    yield f"Measured in {minutes:.1f} minutes{scale}."


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--write", type=Path, metavar="PAGE", help="also replace a page's tables")
    args = parser.parse_args()
    parts = []
    for part in run(args.only, Options(args.database, args.redis, args.scale)):
        print(part, flush=True)
        print()
        parts.append(part.strip())
    if args.write:
        page.write(args.write, "\n\n".join(parts))


if __name__ == "__main__":
    main()
