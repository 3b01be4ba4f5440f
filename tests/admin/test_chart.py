"""The chart of the last 30 days."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from django_vwo_webhooks.admin.chart import HEIGHT, daily_chart
from django_vwo_webhooks.models import WebhookEvent
from tests.admin.conftest import EVENTS, event_at, event_row, page

pytestmark = pytest.mark.django_db


def test_days_begin_at_midnight_in_the_time_zone_of_the_site(admin_client, settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    with timezone.override("Pacific/Auckland"):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(3):
        event_at(midnight, outcome="changed")
    event_at(midnight - timedelta(seconds=1), outcome="failed")
    event_at(midnight - timedelta(days=40), outcome="failed")
    with timezone.override("Pacific/Auckland"):
        chart = daily_chart(timezone.now())
    assert len(chart.days) == 30
    assert chart.days[-1].date == midnight.date()
    assert chart.days[-1].counts == {"pending": 0, "changed": 3, "unchanged": 0, "failed": 0}
    assert chart.days[-2].counts == {"pending": 0, "changed": 0, "unchanged": 0, "failed": 1}
    assert [total for _value, _label, total in chart.totals] == [0, 3, 0, 1]
    changed, failed = sorted(chart.bars, key=lambda bar: bar.outcome)
    assert (changed.y, changed.height) == (0, HEIGHT * 3 // 4)
    assert (failed.y, failed.height) == (HEIGHT * 3 // 4, HEIGHT // 4)
    text = page(admin_client, EVENTS)
    row = f'<tr><th scope="row">{midnight:%Y-%m-%d}</th><td>0</td><td>3</td><td>0</td><td>0</td>'
    assert row in text
    assert "</span><bdi>failed 1</bdi></li>" in text


def test_one_failure_among_thousands_of_events_is_visible():
    event_at(outcome="failed")
    WebhookEvent.objects.bulk_create(event_row(outcome="unchanged") for _ in range(2000))
    assert min(bar.height for bar in daily_chart(timezone.now()).bars) >= 20


@pytest.mark.django_db(transaction=True)
def test_the_chart_takes_one_statement(django_assert_num_queries):
    # on PostgreSQL also a setting, in a transaction for the two
    number = 4 if connection.vendor == "postgresql" else 1
    event_at()
    with django_assert_num_queries(number):
        daily_chart(timezone.now())
