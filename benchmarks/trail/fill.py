"""An event log of 120 days, the same in each run."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from django_vwo_webhooks.changes import compare
from django_vwo_webhooks.models import ChangedFeature, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.models.base import ours
from django_vwo_webhooks.testing import build_settings, feature

PERIOD = timedelta(days=120)
FLAGS = 20
EVENTS_A_SNAPSHOT = 400
CHUNK = 5000
OUTCOMES = {"unchanged": 65, "changed": 25, "failed": 9, "pending": 1}
ACTIONS = ["feature_flag_updated", "campaign_settings_changed", "rule_added", "environment_synced"]
PEOPLE = ["vwo", "ada@example.com", "grace@example.com", "edsger@example.com"]


def fill(count: int) -> None:
    """Store so many events, and a snapshot for every few hundred of them."""
    chance = random.Random(1)
    started = timezone.now() - PERIOD
    with transaction.atomic():
        snapshots = _store_snapshots(count // EVENTS_A_SNAPSHOT + 2, started, chance)
        events = _events(count, snapshots, started, chance)
        while chunk := list(islice(events, CHUNK)):
            WebhookEvent.objects.bulk_create(chunk)
    if connection.vendor == "postgresql":
        # autovacuum would do so within a minute
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _store_snapshots(count: int, started: datetime, chance: random.Random) -> list[int]:
    stored = SettingsSnapshot.objects.bulk_create(
        _snapshots(count, started, chance), batch_size=100
    )
    ids = list(SettingsSnapshot.objects.order_by("pk").values_list("pk", flat=True))
    ChangedFeature.objects.bulk_create(
        ChangedFeature(snapshot_id=pk, feature=change["feature"])
        for pk, snapshot in zip(ids, stored, strict=True)
        for change in snapshot.changes[:1]
    )
    return ids


def _snapshots(count: int, started: datetime, chance: random.Random) -> Iterator[SettingsSnapshot]:
    before: dict[str, Any] = {}
    shades = dict.fromkeys((f"flag_{number}" for number in range(1, FLAGS + 1)), 0)
    for number in range(count):
        shades[chance.choice(list(shades))] += 1
        flags = (feature(key, variables={"shade": shade}) for key, shade in shades.items())
        after = build_settings(*flags)
        at = started + number * PERIOD / count
        changes = compare(before, after)
        snapshot = SettingsSnapshot.of(after, f"{number:064x}", changes, "webhook", at)
        before = after
        yield snapshot


def _events(
    count: int, snapshots: list[int], started: datetime, chance: random.Random
) -> Iterator[WebhookEvent]:
    outcomes = chance.choices(list(OUTCOMES), list(OUTCOMES.values()), k=count)
    for number, outcome in enumerate(outcomes):
        at = started + number * PERIOD / count
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
