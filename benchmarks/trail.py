"""What a large event log costs: the pages of the admin, then ``vwo_prune``.

Fills a database with the events of 120 days, and requests each page as a superuser does. The time
in the database is that of executing the statements; SQLite finds most rows only while they are
fetched, which the total time includes.
"""

import io
import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import django

from benchmarks.bench import Site, database, parser

DAYS = 120
FLAGS = 20
EVENTS_A_SNAPSHOT = 400
ROUNDS = 3
CHUNK = 5000
OUTCOMES = {"unchanged": 65, "changed": 25, "failed": 9, "pending": 1}
ACTIONS = ["feature_flag_updated", "campaign_settings_changed", "rule_added", "environment_synced"]
PEOPLE = ["vwo", "ada@example.com", "grace@example.com", "edsger@example.com"]


def fill(count: int) -> None:
    """Store so many events, and a snapshot for every few hundred of them; each run alike."""
    from django.db import connection, transaction
    from django.utils import timezone

    from django_vwo_webhooks.models import ChangedFeature, SettingsSnapshot, WebhookEvent
    from django_vwo_webhooks.models.base import ours

    chance = random.Random(1)
    started = timezone.now() - timedelta(days=DAYS)
    step = timedelta(days=DAYS) / count

    def events(snapshots: list[int]) -> Iterator[WebhookEvent]:
        outcomes = chance.choices(list(OUTCOMES), list(OUTCOMES.values()), k=count)
        for number, outcome in enumerate(outcomes):
            at = started + number * step
            action, person = chance.choice(ACTIONS), chance.choice(PEOPLE)
            served = outcome in ("changed", "unchanged")
            yield WebhookEvent(
                **ours(),
                timestamp=at - timedelta(seconds=2),
                event="settings_changed",
                action=action,
                triggered_by=person,
                payload={"event": "settings_changed", "action": action, "triggered_by": person},
                outcome=outcome,
                error="" if served else "VWO answered 500.",
                received_at=at,
                last_received_at=at,
                finished_at=at + timedelta(seconds=1) if served else None,
                refresh_seconds=chance.uniform(0.05, 1.5),
                snapshot_id=snapshots[number * len(snapshots) // count] if served else None,
                credential=chance.choice(["SECRET[0]", "SECRET[1]"]),
                remote_addr=f"192.0.2.{chance.randrange(256)}",
                first_noted=number,
                last_noted=number,
            )

    with transaction.atomic():
        stored = SettingsSnapshot.objects.bulk_create(
            _snapshots(count // EVENTS_A_SNAPSHOT + 2, started, chance), batch_size=100
        )
        ids = list(SettingsSnapshot.objects.order_by("pk").values_list("pk", flat=True))
        ChangedFeature.objects.bulk_create(
            ChangedFeature(snapshot_id=pk, feature=change["feature"])
            for pk, snapshot in zip(ids, stored, strict=True)
            for change in snapshot.changes[:1]
        )
        del stored
        chunk = []
        for event in events(ids):
            chunk.append(event)
            if len(chunk) == CHUNK:
                WebhookEvent.objects.bulk_create(chunk)
                chunk.clear()
        WebhookEvent.objects.bulk_create(chunk)
    if connection.vendor == "postgresql":
        # autovacuum would do so within a minute
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _snapshots(count: int, started: Any, chance: random.Random) -> Iterator[Any]:
    from django_vwo_webhooks.changes import compare
    from django_vwo_webhooks.models import SettingsSnapshot
    from django_vwo_webhooks.testing import build_settings, feature

    before: dict[str, Any] = {}
    shades = dict.fromkeys((f"flag_{number}" for number in range(1, FLAGS + 1)), 0)
    for number in range(count):
        shades[chance.choice(list(shades))] += 1
        flags = (feature(key, variables={"shade": shade}) for key, shade in shades.items())
        after = build_settings(*flags)
        snapshot = SettingsSnapshot.of(after, f"{number:064x}", compare(before, after), "webhook")
        snapshot.created_at = started + number * timedelta(days=DAYS) / count
        before = after
        yield snapshot


class Links(HTMLParser):
    """The addresses of a page's links; ``filters`` are those in its sidebar."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[str] = []
        self.filters: list[str] = []
        self._sidebar = ""
        self._depth = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id") == "changelist-filter":
            self._sidebar, self._depth = tag, 1
        elif tag == self._sidebar and self._depth:
            self._depth += 1
        href = values.get("href")
        if tag == "a" and href and href not in self.all:
            self.all.append(href)
            if self._depth:
                self.filters.append(href)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._sidebar and self._depth:
            self._depth -= 1


class Reader:
    """A superuser who requests pages, and measures how long each takes."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model
        from django.test import Client

        self.client = Client()
        self.client.force_login(get_user_model().objects.create_superuser("reader"))
        self.queries: list[float] = []

    def read(self, url: str, name: str = "") -> str:
        """Print what a page costs, the median of some rounds; returns its first part."""
        from django.db import connection

        rounds = []
        for _ in range(ROUNDS):
            self.queries.clear()
            started = time.perf_counter()
            with connection.execute_wrapper(self._note):
                response = self.client.get(url)
                streaming = getattr(response, "streaming_content", None)
                body = response.content if streaming is None else next(iter(streaming))
            total = time.perf_counter() - started
            if response.status_code != 200:
                raise SystemExit(f"{url} answered {response.status_code}")
            response.close()
            rounds.append((total, sum(self.queries), max(self.queries), len(self.queries)))
        total, database, slowest, count = sorted(rounds)[len(rounds) // 2]
        print(
            f"{name or url:60} {count:3} queries, {1000 * database:7.1f} ms in the database "
            f"(slowest {1000 * slowest:.1f}), {1000 * total:7.1f} ms in total",
            flush=True,
        )
        return str(body.decode())

    def _note(self, execute: Callable[..., Any], *args: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*args)
        finally:
            self.queries.append(time.perf_counter() - started)


def pages() -> None:
    from django.urls import reverse

    from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent

    reader = Reader()
    for model in (WebhookEvent, SettingsSnapshot):
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed = reverse(f"{prefix}_changelist")
        links = Links(reader.read(listed))
        for href in links.filters:
            reader.read(f"{listed}{href}", f"  {href}")
        middle = model.objects.order_by("pk")[model.objects.count() // 2].pk
        for term in ("flag_7", ACTIONS[0], str(middle), "no row has this"):
            reader.read(f"{listed}?q={term}", f"  ?q={term}")
        for href in (href for href in links.all if "export" in href):
            reader.read(
                href if href.startswith("/") else f"{listed}{href}", f"  first part of {href}"
            )
        reader.read(reverse(f"{prefix}_change", args=[middle]))


class Progress(io.StringIO):
    """A terminal for the command, which prints its progress there after each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, list[float]] = defaultdict(list)
        self.last = time.perf_counter()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        now = time.perf_counter()
        if text.endswith("\r"):
            self.batches[text.partition(":")[0]].append(now - self.last)
        self.last = now
        return super().write(text)


def prune() -> None:
    from django.core.management import call_command

    from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent

    for options in (["--dry-run"], []):
        before = WebhookEvent.objects.count() + SettingsSnapshot.objects.count()
        progress, started = Progress(), time.perf_counter()
        call_command("vwo_prune", *options, stdout=progress)
        seconds = time.perf_counter() - started
        gone = before - WebhookEvent.objects.count() - SettingsSnapshot.objects.count()
        print(f"{' '.join(['vwo_prune', *options])}: {gone} rows in {seconds:.1f} s", end="")
        print(f", {gone / seconds:.0f} rows/s" if gone else "")
        for name, batches in progress.batches.items():
            first, last = (1000 * statistics.median(ten) for ten in (batches[:10], batches[-10:]))
            print(
                f"  {name:17} {len(batches):5} batches: the first ten {first:.1f} ms each, the "
                f"last ten {last:.1f}, the slowest {1000 * max(batches):.1f}",
                flush=True,
            )


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--events", type=int, default=1_000_000)
    args = options.parse_args()
    with database(args.database) as url:
        site = Site(url)
        site.create_tables()
        os.environ.update(site.environment)
        django.setup()
        started = time.perf_counter()
        fill(args.events)
        scheme = url.partition(":")[0]
        print(f"{args.events} events on {scheme}, in {time.perf_counter() - started:.0f} s")
        pages()
        prune()


if __name__ == "__main__":
    main()
