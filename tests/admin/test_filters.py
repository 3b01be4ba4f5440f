"""The filters and the search."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_vwo_webhooks.models import RefreshLease
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import EVENTS, changed_by, changed_event, event_at, listed, page

pytestmark = pytest.mark.django_db


def test_filters_search_and_dates(admin_client, deliver, vwo):
    refresh_settings()
    changed_event(deliver, vwo, color="green")
    for query in ("?outcome__exact=changed", "?q=new_checkout", f"?received_at__year={_year()}"):
        assert "1 webhook event" in page(admin_client, EVENTS + query)
    assert "0 webhook events" in page(admin_client, EVENTS + "?outcome__exact=failed")


def _year():
    return timezone.now().year


def test_all_events_that_changed_a_flag_are_listed(admin_client):
    first = changed_by(("new_checkout", 1, 2), ("banner", 1, 2))
    second = changed_by(("new_checkout", 2, 3))
    changed_by(("new_checkout_2", 1, 2))
    event_at(outcome="unchanged", snapshot=second.snapshot)
    for query in ("?feature=new_checkout", "?q=new_checkout"):
        assert listed(admin_client, query) == [second.pk, first.pk]
    assert listed(admin_client, "?feature=new_checkout&q=banner") == [first.pk]
    assert listed(admin_client, "?feature=new_check") == []


def test_the_filter_offers_the_most_recently_changed_flags(admin_client):
    changed_by(*((f"flag_{number}", 1, 2) for number in range(20)))
    changed_by(("flag_3", 2, 3))
    text = page(admin_client, EVENTS)
    offered = [key for key in (f"flag_{n}" for n in range(20)) if f'?feature={key}"' in text]
    assert offered == ["flag_3", *(f"flag_{number}" for number in range(9, 20))]
    text = page(admin_client, f"{EVENTS}?feature=flag_1")
    assert '<li class="selected">\n    <a href="?feature=flag_1">flag_1</a>' in text


def test_the_search_matches_whole_values_only(admin_client):
    by = {
        "action": event_at(action="flag_updated"),
        "person": event_at(triggered_by="ada@example.com"),
        "address": event_at(remote_addr="203.0.113.7"),
    }
    number = by["address"].pk
    for term, wanted in (
        ("flag_updated", "action"),
        (" flag_updated ", "action"),
        ("ada@example.com", "person"),
        ("203.0.113.7", "address"),
        (str(number), "address"),
    ):
        assert listed(admin_client, f"?q={term}") == [by[wanted].pk], term
    for term in ("flag", "ada", "203.0.113", "0", str(2**63), "9" * 5000, "²", "%", "x" * 5000):
        assert listed(admin_client, f"?q={term}") == [], term


def test_an_address_is_found_as_a_whole(admin_client):
    for address in ("203.0.113.7", "203.0.113.77", "2001:db8::1"):
        event_at(remote_addr=address)
    for address in ("203.0.113.7", "2001:0db8:0::1"):
        assert "1 webhook event" in page(admin_client, f"{EVENTS}?q={address}")
    assert "0 webhook events" in page(admin_client, f"{EVENTS}?q=203.0.113")


def test_a_search_combines_flags_actions_and_people(admin_client):
    flag, action = changed_by(("vwo", 1, 2)), event_at(action="vwo")
    person = event_at(triggered_by="vwo")
    assert listed(admin_client, "?q=vwo") == [person.pk, action.pk, flag.pk]


def test_the_search_uses_indexes_only(admin_client):
    event_at(action="flag_updated")
    with CaptureQueriesContext(connection) as captured:
        listed(admin_client, "?q=flag_updated")
    assert not [query for query in captured if "LIKE" in query["sql"]]


def test_environments_come_from_the_leases(admin_client):
    event_at()
    assert "By environment" not in page(admin_client, EVENTS)
    for name in ("default", "staging"):
        RefreshLease.objects.get_or_create(environment=name, key_digest="0")
    staging = event_at(environment="staging")
    with CaptureQueriesContext(connection) as captured:
        assert "By environment" in unescape(page(admin_client, EVENTS))
    assert not [q for q in captured if "DISTINCT" in q["sql"] and "webhookevent" in q["sql"]]
    assert listed(admin_client, "?environment=staging") == [staging.pk]


def test_a_choice_keeps_its_order_on_a_page_from_right_to_left(admin_client, settings):
    settings.LANGUAGE_CODE = "ar"
    for credential in ("secret 1", "secret 2"):
        event_at(credential=credential)
    choice = r"\u2068secret 1: \u2068\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\u2069\u2069"
    assert re.search(choice, page(admin_client, EVENTS))


@pytest.mark.parametrize("digits", [19, 20, 5000])
def test_a_number_that_no_row_can_have_is_not_an_error(admin_client, digits):
    for lookup in ("snapshot", "snapshot__id__exact", "id"):
        answer = admin_client.get(EVENTS, {lookup: "9" * digits}, follow=True)
        assert answer.status_code == 200, lookup


def test_the_filters_by_outcome_and_time(admin_client):
    failed = event_at(timezone.now() - timedelta(days=10), outcome="failed")
    recent = event_at()
    assert listed(admin_client, "?outcome__exact=failed") == [failed.pk]
    since = (timezone.now() - timedelta(days=7)).strftime("%Y-%m-%d 00:00:00%%2B00:00")
    assert listed(admin_client, f"?received_at__gte={since}") == [recent.pk]


@pytest.mark.parametrize("value", ["\0", "x" * 1000, "\u202e", "'; --"])
@pytest.mark.parametrize("name", ["feature", "environment", "credential", "q"])
def test_any_text_may_be_searched_for(admin_client, name, value):
    event_at(credential="secret 1", environment="a")
    event_at(credential="secret 2", environment="b")
    assert admin_client.get(EVENTS, {name: value}).status_code == 200
