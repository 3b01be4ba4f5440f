"""Identical deliveries, many at once: how each was answered, and what they left in the event log.

None may be answered 503 or 500, each row must be served, and the rows must count every delivery.
A database's isolation level is chosen in its URL: ``?isolation_level=repeatable%20read``.
"""

import argparse
import asyncio
import itertools
import json
import os
from collections import Counter
from typing import Any

from benchmarks.bench import Site, database, vwo
from benchmarks.load import post, send

LEVELS = ["read committed", "repeatable read", "serializable"]
PATH = "/webhooks/vwo/"
COUNT_ROWS = """
import django
django.setup()
import json
from django.db.models import Q, Sum
from django_vwo_webhooks.models import WebhookEvent
events = WebhookEvent.objects
print(json.dumps({
    "rows": events.count(),
    "deliveries": events.aggregate(total=Sum("deliveries"))["total"],
    "not served": events.exclude(
        finished_at__isnull=False, outcome__in=["changed", "unchanged"]
    ).count(),
}))
"""


async def deliver(port: int, count: int, at_once: int) -> Counter[int]:
    """Send the same delivery so often; returns how many were answered with each status."""
    statuses: Counter[int] = Counter()
    left = itertools.repeat(post(PATH, 0), count)

    async def one_after_another() -> None:
        for request in left:
            status, _ = await send(port, request)
            statuses[status] += 1

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return statuses


def measure(url: str, args: argparse.Namespace) -> bool:
    """Print what became of the deliveries; returns whether all of them were served."""
    with vwo(1, changing=args.changing) as vwo_url:
        site = Site(url, SDK_OPTIONS={"proxy_url": vwo_url})
        site.environment["SITE_LOG"] = args.log
        site.create_tables()
        with site.gunicorn("-w", "2", "-k", "gthread", "--threads", "8") as port:
            statuses = asyncio.run(deliver(port, args.deliveries, args.at_once))
        found: dict[str, Any] = json.loads(site.output("-c", COUNT_ROWS))
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    print(
        f"answered {answers}; {found['rows']} rows of {found['deliveries']} deliveries, "
        f"{found['not served']} rows not served",
        flush=True,
    )
    return (
        set(statuses) == {200}
        and found["not served"] == 0
        and found["deliveries"] == args.deliveries
    )


def urls(wanted: list[str]) -> list[str]:
    """The URLs that are wanted; PostgreSQL's at each isolation level, unless one is named."""
    found = []
    for url in wanted:
        if url.startswith("postgresql:") and "isolation_level" not in url:
            separator = "&" if "?" in url else "?"
            levels = (level.replace(" ", "%20") for level in LEVELS)
            found += [f"{url}{separator}isolation_level={level}" for level in levels]
        else:
            found.append(url)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--database",
        nargs="+",
        default=["sqlite"],
        metavar="URL",
        help="the URLs of databases, whose tables are dropped; PostgreSQL is measured at each "
        "isolation level; default: SQLite in a new file",
    )
    options.add_argument("--deliveries", type=int, default=2000)
    options.add_argument("--at-once", type=int, default=16)
    options.add_argument(
        "--changing", action="store_true", help="VWO serves other settings on each fetch"
    )
    options.add_argument("--log", default=os.devnull, help="a file that the sites log to")
    args = options.parse_args()
    args.log = os.path.abspath(args.log)
    good = True
    for wanted in urls(args.database):
        with database(wanted) as url:
            level = url.partition("isolation_level=")[2].replace("%20", " ")
            print(f"{url.partition(':')[0]} {level}".strip(), end=": ", flush=True)
            good &= measure(url, args)
    if not good:
        raise SystemExit("Not every delivery was answered 200, served and counted once.")


if __name__ == "__main__":
    main()
