"""The chart of the last 30 days: events per day by outcome, as numbers and as rectangles."""

from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from ..models import WebhookEvent
from ..models.statements import Statement, datetime_value
from .display import in_current_zone

DAYS = 30
HEIGHT = 800
MIN_HEIGHT = 24
"""Makes one failure among thousands of events visible."""

Outcome = WebhookEvent.Outcome

UPWARDS = [Outcome.CHANGED, Outcome.UNCHANGED, Outcome.PENDING]
"""These are drawn above the axis; failures are below it, and so stand out without a colour."""


COUNTS = Statement(
    "SELECT "  # noqa: S608 - holds no value from outside
    + ", ".join(
        f"(SELECT COUNT(*) FROM {{event}} WHERE outcome = '{outcome.value}'"  # noqa: S608 - holds no value from outside
        f" AND received_at >= %(day_{place})s AND received_at < %(day_{place + 1})s)"
        f" AS {outcome.value}_{place}"
        for place in range(DAYS)
        for outcome in Outcome
    )
)
"""One statement that reads one range of the index by outcome and time after the other.

It is written by hand since the ORM takes longer to build 120 queries than the database takes to
count a million events.
"""


class Bar(NamedTuple):
    outcome: str
    x: int
    y: int
    height: int


class Day(NamedTuple):
    date: date
    counts: dict[str, int]

    @property
    def up(self) -> int:
        return sum(self.counts[outcome] for outcome in UPWARDS)

    @property
    def down(self) -> int:
        return self.counts[Outcome.FAILED]


class Chart(NamedTuple):
    days: list[Day]

    @property
    def totals(self) -> list[tuple[str, str, int]]:
        """Value, label and number of each outcome."""
        return [
            (value, str(label), sum(day.counts[value] for day in self.days))
            for value, label in Outcome.choices
        ]

    @property
    def most(self) -> int:
        """The number of events on the busiest day."""
        return max(day.up + day.down for day in self.days)

    @property
    def axis(self) -> int:
        """The distance of the axis from the top."""
        up, down = max(day.up for day in self.days), max(day.down for day in self.days)
        return HEIGHT * up // (up + down) if up + down else HEIGHT

    @property
    def bars(self) -> list[Bar]:
        unit = HEIGHT / (max(day.up for day in self.days) + max(day.down for day in self.days) or 1)
        bars = []
        for place, day in enumerate(self.days):
            y = self.axis
            for outcome in UPWARDS:
                if day.counts[outcome]:
                    height = max(MIN_HEIGHT, round(day.counts[outcome] * unit))
                    y -= height
                    bars.append(Bar(outcome, 10 * place, y, height))
            if day.down:
                height = max(MIN_HEIGHT, round(day.down * unit))
                bars.append(Bar(Outcome.FAILED, 10 * place, self.axis, height))
        return bars


def daily_chart(now: datetime) -> Chart:
    """The days up to ``now``, by the database's clock.

    They begin at the site's midnights, computed here: no database needs to know time zones.
    """
    today = in_current_zone(now).date()
    dates = [today - timedelta(days=ago) for ago in range(DAYS - 1, -2, -1)]
    using = WebhookEvent.objects.all().db
    limits = {
        f"day_{place}": datetime_value(using, _midnight(date)) for place, date in enumerate(dates)
    }
    counts = _counts(using, limits)
    return Chart(
        [
            Day(date, {outcome: counts[f"{outcome}_{place}"] for outcome in Outcome.values})
            for place, date in enumerate(dates[:-1])
        ]
    )


def _counts(using: str, limits: dict[str, Any]) -> dict[str, int]:
    if connections[using].vendor != "postgresql":
        return COUNTS.row(using, **limits) or {}
    # before a VACUUM its estimated cost would start the JIT compiler, which takes seconds
    with transaction.atomic(using=using, savepoint=False), connections[using].cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        return COUNTS.row(using, **limits) or {}


def _midnight(day: date) -> datetime:
    midnight = datetime.combine(day, time.min)
    return timezone.make_aware(midnight) if settings.USE_TZ else midnight
