"""The lists of events and snapshots: how far they count, and in which order."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_vwo_webhooks.admin import changelist
from tests.admin.conftest import EVENTS, SNAPSHOTS, event_at, page

pytestmark = pytest.mark.django_db


def test_no_rows_are_counted_beyond_a_limit(admin_client, monkeypatch):
    monkeypatch.setattr(changelist, "MOST_ROWS", 3)
    monkeypatch.setattr("django.contrib.admin.ModelAdmin.list_per_page", 2)
    for _ in range(3):
        event_at()
    text = page(admin_client, EVENTS)
    assert "3 webhook events" in text
    assert "Select all 3 webhook events" in text
    event_at()
    with CaptureQueriesContext(connection) as captured:
        text = page(admin_client, EVENTS)
    assert "3+ webhook events" in text
    assert "Select all matching rows on all pages" in text
    assert "results (" not in text
    counting = [q["sql"] for q in captured if "COUNT(" in q["sql"] and "subquery" in q["sql"]]
    assert len(counting) == 1
    assert "LIMIT 4" in counting[0]
    assert admin_client.get(f"{EVENTS}?p=3").url == f"{EVENTS}?e=1"


ORDERS = [
    (EVENTS, "", "-received_at -pk"),
    (EVENTS, "?o=1", "received_at pk"),
    (EVENTS, "?o=-1", "-received_at -pk"),
    (SNAPSHOTS, "", "-pk"),
    (SNAPSHOTS, "?o=0", "pk"),
    (SNAPSHOTS, "?o=-0", "-pk"),
]


@pytest.mark.parametrize(("url", "query", "order"), ORDERS)
def test_the_order_is_that_of_an_index(admin_client, url, query, order):
    ordering = admin_client.get(url + query).context["cl"].queryset.query.order_by
    assert " ".join(ordering) == order


def test_no_other_order_can_be_requested(admin_client):
    for column in range(12):
        cl = admin_client.get(f"{EVENTS}?o={column}").context["cl"]
        assert cl.queryset.query.order_by[0].lstrip("-") == "received_at"
