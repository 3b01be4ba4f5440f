"""The audit trail as staff see it."""

import asyncio
import csv
import io
import json
from datetime import datetime, timedelta
from datetime import timezone as zones
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.staticfiles import finders
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_vwo_webhooks.admin import comparison, export, lists
from django_vwo_webhooks.admin.picture import HEIGHT, draw
from django_vwo_webhooks.admin.words import duration
from django_vwo_webhooks.models import (
    FleetProcess,
    RefreshLease,
    SettingsSnapshot,
    WebhookEvent,
)
from django_vwo_webhooks.models.base import UnixNow, ours
from django_vwo_webhooks.refresh import refresh_settings

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = "/admin/django_vwo_webhooks/webhookevent/"
SNAPSHOTS = "/admin/django_vwo_webhooks/settingssnapshot/"
REFRESH = f"{EVENTS}refresh/"


@pytest.fixture
def staff(client):
    """Logs somebody of the staff in, with the permissions that are named."""

    def log_in(*codenames):
        user = User.objects.create_user("staff", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in


def changed_event(deliver, vwo, **variables):
    vwo.set_flag("new_checkout", variables=variables)
    deliver(action=f"change {variables}")
    return WebhookEvent.objects.first()


def event_at(at=None, **values):
    """A row as it stands in a trail that has grown."""
    at = at or timezone.now()
    row = {"event": "settings_changed", "payload": {}, "received_at": at, "last_received_at": at}
    flights = {"first_flight": 0, "last_flight": 0}
    return WebhookEvent.objects.create(**{**ours(), **row, **flights, **values})


def snapshot_of(*changes, settings=None, at=None, **values):
    """A stored snapshot that brought these changes: (feature, before, after)."""
    told = [
        {
            "kind": "variable",
            "feature": feature,
            "path": "x",
            "before": before,
            "after": after,
            "text": f"{feature} changed",
        }
        for feature, before, after in changes
    ]
    snapshot = SettingsSnapshot.of(settings or {}, "0", told, values.pop("cause", "webhook"))
    for name, value in {**values, "created_at": at or timezone.now()}.items():
        setattr(snapshot, name, value)
    snapshot.store()
    return snapshot


def changed_by(*changes, **values):
    return event_at(outcome="changed", snapshot=snapshot_of(*changes), **values)


def event_page(client, event):
    return page(client, f"{EVENTS}{event.pk}/change/")


def snapshot_page(client, snapshot, query=""):
    return page(client, f"{SNAPSHOTS}{snapshot.pk}/change/{query}")


def found(client, query):
    """The ids of the events that the list shows."""
    cl = client.get(EVENTS + query).context["cl"]
    return [event.pk for event in cl.result_list]


def page(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_says_what_happened(admin_client, deliver, vwo):
    refresh_settings()
    changed_event(deliver, vwo, color="green")
    vwo.refuse()
    deliver(action="while VWO was away")
    text = page(admin_client, EVENTS)
    assert 'class="vwo-badge vwo-changed">changed<' in text
    assert 'class="vwo-badge vwo-failed">failed<' in text
    assert "color “red” → “green”" in text
    assert "connection refused" in text
    assert "Refresh now" in text


def test_nobody_adds_changes_or_deletes(admin_client, deliver, vwo):
    event = changed_event(deliver, vwo, color="green")
    assert admin_client.get(f"{EVENTS}add/").status_code == 403
    assert admin_client.get(f"{EVENTS}{event.pk}/delete/").status_code == 403
    assert admin_client.post(f"{EVENTS}{event.pk}/change/", {"event": "x"}).status_code == 403
    assert admin_client.get(f"{SNAPSHOTS}add/").status_code == 403


def test_the_event_in_detail(admin_client, deliver, vwo):
    refresh_settings()
    event = changed_event(deliver, vwo, color="<b>green</b>")
    text = page(admin_client, f"{EVENTS}{event.pk}/change/")
    assert "&lt;b&gt;green&lt;/b&gt;" in text
    assert "<b>green" not in text
    assert "&quot;settings_changed&quot;" in text
    assert f'href="{SNAPSHOTS}{event.snapshot_id}/change/"' in text


def test_an_event_that_failed_in_detail(admin_client, deliver, vwo):
    vwo.refuse()
    deliver()
    event = WebhookEvent.objects.get()
    assert "connection refused" in page(admin_client, f"{EVENTS}{event.pk}/change/")


def test_the_snapshots(admin_client, deliver, vwo):
    refresh_settings()
    event = changed_event(deliver, vwo, color="green")
    text = page(admin_client, SNAPSHOTS)
    assert text.count(">in force<") == 1
    text = page(admin_client, f"{SNAPSHOTS}{event.snapshot_id}/change/")
    assert f'href="{EVENTS}{event.pk}/change/"' in text
    assert "&quot;features&quot;" in text


@pytest.mark.parametrize("url", [EVENTS, SNAPSHOTS])
def test_the_number_of_statements_is_constant(admin_client, url):
    def rows(count):
        for number in range(count):
            snapshot = SettingsSnapshot.of({"x": 1}, str(number), [{"text": "x"}], "webhook")
            snapshot.save()
            event = WebhookEvent.objects.record(payload={"n": str(snapshot.pk)}, event="x")
            WebhookEvent.objects.filter(pk=event.pk).update(outcome="changed", snapshot=snapshot)

    def statements():
        with CaptureQueriesContext(connection) as captured:
            page(admin_client, url)
        return len(captured), captured.captured_queries

    page(admin_client, url)
    rows(3)
    few, _ = statements()
    rows(30)
    many, queries = statements()
    assert few == many
    assert not [q for q in queries if '"settings"' in q["sql"].split("FROM")[0]]


def test_filters_search_and_dates(admin_client, deliver, vwo):
    refresh_settings()
    changed_event(deliver, vwo, color="green")
    for query in ("?outcome__exact=changed", "?q=new_checkout", f"?received_at__year={_year()}"):
        assert "1 webhook event" in page(admin_client, EVENTS + query)
    assert "0 webhook events" in page(admin_client, EVENTS + "?outcome__exact=failed")


def _year():
    return timezone.now().year


def test_without_a_permission_there_is_nothing_to_see(staff, deliver, vwo):
    event = changed_event(deliver, vwo, color="green")
    client = staff()
    for url in (EVENTS, f"{EVENTS}{event.pk}/change/", SNAPSHOTS):
        assert client.get(url).status_code == 403
    assert client.post(REFRESH).status_code == 403


def test_whoever_may_only_view_sees_no_button(staff, deliver, vwo):
    event = changed_event(deliver, vwo, color="green")
    client = staff("view_webhookevent")
    assert "Refresh now" not in page(client, EVENTS)
    assert "Refresh now" not in page(client, f"{EVENTS}{event.pk}/change/")
    assert client.post(REFRESH).status_code == 403
    assert len(vwo.fetches) == 1


def test_whoever_may_change_can_refresh(staff, vwo):
    client = staff("view_webhookevent", "change_webhookevent")
    assert "Refresh now" in page(client, EVENTS)
    response = client.post(REFRESH, follow=True)
    snapshot = SettingsSnapshot.objects.get()
    assert response.redirect_chain == [(EVENTS, 302)]
    assert f"#{snapshot.pk} is in force" in response.content.decode()
    assert snapshot.cause == "manual"
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_repr) == ("staff", "Refresh now")


def test_a_refresh_that_fails_says_why(admin_client, vwo):
    vwo.refuse()
    response = admin_client.post(REFRESH, {"next": SNAPSHOTS}, follow=True)
    assert response.redirect_chain == [(SNAPSHOTS, 302)]
    assert "connection refused" in response.content.decode()


def test_refreshing_leads_to_no_other_site(admin_client, vwo):
    response = admin_client.post(REFRESH, {"next": "https://elsewhere.example/"})
    assert response.url == EVENTS


def test_refreshing_needs_a_post(admin_client):
    assert admin_client.get(REFRESH).status_code == 405


def test_refreshing_under_atomic_requests(admin_client, vwo):
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert "is in force" in admin_client.post(REFRESH, follow=True).content.decode()
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_an_empty_trail(admin_client):
    assert "0 webhook events" in page(admin_client, EVENTS)
    assert "0 settings snapshots" in page(admin_client, SNAPSHOTS)
    assert reverse("admin:django_vwo_webhooks_webhookevent_refresh") == REFRESH


def test_a_snapshot_names_only_the_events_that_brought_it(admin_client, deliver, vwo):
    event = changed_event(deliver, vwo, color="green")
    deliver(action="came later and changed nothing")
    text = page(admin_client, f"{SNAPSHOTS}{event.snapshot_id}/change/")
    assert text.count(EVENTS + f"{event.pk}/change/") == 1
    assert "came later" not in text


def test_half_a_surrogate_pair_breaks_no_page(admin_client):
    change = {"text": "name: \ud83d"}
    snapshot = SettingsSnapshot.of({"name": "\ud83d"}, "0", [change], "webhook")
    snapshot.save()
    event = WebhookEvent.objects.record(payload={}, event="x")
    WebhookEvent.objects.filter(pk=event.pk).update(outcome="changed", snapshot=snapshot)
    for url in (EVENTS, SNAPSHOTS, f"{EVENTS}{event.pk}/change/"):
        assert "\\ud83d" in page(admin_client, url)
    assert page(admin_client, f"{SNAPSHOTS}{snapshot.pk}/change/").count("\\ud83d") == 2


def test_a_long_error_is_short_in_the_list_and_whole_in_detail(admin_client):
    event = WebhookEvent.objects.record(payload={}, event="x")
    error = "\n".join(f"line {number}" for number in range(100))
    WebhookEvent.objects.filter(pk=event.pk).update(outcome="failed", error=error)
    text = page(admin_client, EVENTS)
    assert "line 0 line 1" in text
    assert "line 50" not in text
    assert error in page(admin_client, f"{EVENTS}{event.pk}/change/")


def test_an_address_is_found_as_a_whole(admin_client):
    for number, address in enumerate(["203.0.113.7", "203.0.113.77", "2001:db8::1"]):
        WebhookEvent.objects.record(payload={"n": number}, event="x", remote_addr=address)
    for address in ("203.0.113.7", "2001:0db8:0::1"):
        assert "1 webhook event" in page(admin_client, f"{EVENTS}?q={address}")
    assert "0 webhook events" in page(admin_client, f"{EVENTS}?q=203.0.113")


def test_the_list_loads_changes_once_a_snapshot_and_no_payload(admin_client):
    snapshot = SettingsSnapshot.of({}, "0", [{"text": "x"}], "webhook")
    snapshot.save()
    for number in range(3):
        WebhookEvent.objects.record(payload={"n": number}, event="x")
    WebhookEvent.objects.update(outcome="unchanged", snapshot=snapshot)
    with CaptureQueriesContext(connection) as captured:
        page(admin_client, EVENTS)
    rows = [query["sql"] for query in captured if "deliveries" in query["sql"]]
    assert not [sql for sql in rows if "payload" in sql.split("FROM")[0]]
    assert not [sql for sql in rows if "JOIN" in sql]


def test_a_refresh_says_whether_anything_changed(admin_client, vwo):
    refresh_settings()
    assert "unchanged" in refresh_messages(admin_client)
    vwo.set_flag("new_checkout", variables={"color": "blue"})
    assert "1 change." in refresh_messages(admin_client)


def refresh_messages(client):
    response = client.post(REFRESH, follow=True)
    return " ".join(str(message) for message in response.context["messages"])


@pytest.mark.parametrize(
    "word", [*WebhookEvent.Outcome.values, "fresh", "stale", "failing", "missed"]
)
def test_every_badge_has_a_colour(word):
    with open(finders.find("django_vwo_webhooks/admin.css"), encoding="utf-8") as css:
        assert f".vwo-{word}" in css.read()


DURATIONS = [
    (-1, "–"),
    (0.0844, "84 ms"),
    (1.24, "1.2 s"),
    (185, "3 min"),
    (2 * 3600 + 5, "2 h"),
    (3 * 86400, "3 days"),
]


@pytest.mark.parametrize(("seconds", "words"), DURATIONS)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words


# the list


def test_the_list_tells_the_first_change_and_how_many_more(admin_client):
    changed_by(("new_checkout", 1, 2), ("banner", 1, 2), ("banner", 3, 4))
    text = page(admin_client, EVENTS)
    assert "new_checkout changed and 2 more" in text
    assert "banner changed" not in text
    assert "new_checkout changed and 2 more" in page(admin_client, SNAPSHOTS)


@pytest.mark.parametrize("url", [EVENTS, SNAPSHOTS])
def test_the_lists_read_no_long_column(admin_client, url):
    changed_by(("new_checkout", 1, 2))
    with CaptureQueriesContext(connection) as captured:
        page(admin_client, url)
    selected = [query["sql"].split(" FROM ")[0] for query in captured]
    for column in ("changes", "settings", "payload"):
        assert not [sql for sql in selected if f'"{column}"' in sql or f"`{column}`" in sql]


def test_each_page_takes_as_many_statements_for_5_rows_as_for_50(admin_client):
    def statements(events):
        counts = []
        for url in (
            EVENTS,
            f"{EVENTS}?feature=flag",
            f"{EVENTS}?q=flag",
            f"{EVENTS}{events[-1].pk}/change/",
            SNAPSHOTS,
            f"{SNAPSHOTS}{events[-1].snapshot_id}/change/",
            f"{SNAPSHOTS}{events[-1].snapshot_id}/change/?compare_to={events[0].snapshot_id}",
        ):
            with CaptureQueriesContext(connection) as captured:
                page(admin_client, url)
            said = [query["sql"] for query in captured]
            counts.append(len([sql for sql in said if sql not in ("BEGIN", "COMMIT")]))
        return counts

    def rows(number, snapshot):
        return [event_at(outcome="changed", snapshot=snapshot) for _ in range(number)]

    first = changed_by(("flag", 0, 1))
    statements([first, first])
    few = statements([first, *rows(5, snapshot_of(("flag", 1, 2)))])
    for number in range(45):
        changed_by(("flag", number, 0))
    many = statements([first, *rows(50, snapshot_of(*[("flag", n, n + 1) for n in range(9)]))])
    assert few == many
    assert max(many) < 20


def test_nothing_is_counted_beyond_a_bound(admin_client, monkeypatch):
    monkeypatch.setattr(lists, "FARTHEST", 3)
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
    assert "Select all that match, on all pages" in text
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


def test_no_other_order_can_be_asked_for(admin_client):
    for column in range(12):
        cl = admin_client.get(f"{EVENTS}?o={column}").context["cl"]
        assert cl.queryset.query.order_by[0].lstrip("-") == "received_at"


def test_times_have_seconds_and_are_those_of_the_site(admin_client, settings):
    event = event_at(datetime(2024, 6, 30, 23, 59, 58, tzinfo=zones.utc))
    assert "2024-06-30 23:59:58" in page(admin_client, EVENTS)
    settings.TIME_ZONE = "Asia/Kathmandu"
    assert "2024-07-01 05:44:58" in page(admin_client, EVENTS)
    assert "2024-07-01 05:44:58" in event_page(admin_client, event)


# filters and search


def test_everything_that_ever_happened_to_a_flag(admin_client):
    first = changed_by(("new_checkout", 1, 2), ("banner", 1, 2))
    second = changed_by(("new_checkout", 2, 3))
    changed_by(("new_checkout_2", 1, 2))
    event_at(outcome="unchanged", snapshot=second.snapshot)
    for query in ("?feature=new_checkout", "?q=new_checkout"):
        assert found(admin_client, query) == [second.pk, first.pk]
    assert found(admin_client, "?feature=new_checkout&q=banner") == [first.pk]
    assert found(admin_client, "?feature=new_check") == []


def test_the_filter_offers_the_flags_that_changed_last(admin_client):
    changed_by(*((f"flag_{number}", 1, 2) for number in range(20)))
    changed_by(("flag_3", 2, 3))
    text = page(admin_client, EVENTS)
    offered = [key for key in (f"flag_{n}" for n in range(20)) if f'?feature={key}"' in text]
    assert offered == ["flag_3", *(f"flag_{number}" for number in range(9, 20))]
    text = page(admin_client, f"{EVENTS}?feature=flag_1")
    assert '<li class="selected">\n    <a href="?feature=flag_1">flag_1</a>' in text


def test_the_search_takes_whole_values_only(admin_client):
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
        assert found(admin_client, f"?q={term}") == [by[wanted].pk], term
    for term in ("flag", "ada", "203.0.113", "99999999999999999999999", "²", "%", "x" * 5000):
        assert found(admin_client, f"?q={term}") == [], term


def test_a_search_for_a_word_of_several_meanings_finds_them_all(admin_client):
    flag, action = changed_by(("vwo", 1, 2)), event_at(action="vwo")
    person = event_at(triggered_by="vwo")
    assert found(admin_client, "?q=vwo") == [person.pk, action.pk, flag.pk]


def test_the_search_compares_nothing_without_an_index(admin_client):
    event_at(action="flag_updated")
    with CaptureQueriesContext(connection) as captured:
        found(admin_client, "?q=flag_updated")
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
    assert found(admin_client, "?environment=staging") == [staging.pk]


def test_the_filters_by_outcome_and_time(admin_client):
    failed = event_at(timezone.now() - timedelta(days=10), outcome="failed")
    recent = event_at()
    assert found(admin_client, "?outcome__exact=failed") == [failed.pk]
    since = (timezone.now() - timedelta(days=7)).strftime("%Y-%m-%d 00:00:00%%2B00:00")
    assert found(admin_client, f"?received_at__gte={since}") == [recent.pk]


@pytest.mark.parametrize("value", ["\0", "x" * 1000, "\u202e", "'; --"])
@pytest.mark.parametrize("name", ["feature", "environment", "credential", "q"])
def test_any_text_may_be_asked_for(admin_client, name, value):
    event_at(credential="secret 1", environment="a")
    event_at(credential="secret 2", environment="b")
    assert admin_client.get(EVENTS, {name: value}).status_code == 200


# the event


def test_the_changes_of_an_event_stand_in_tables_by_flag(admin_client):
    text = event_page(
        admin_client,
        changed_by(("new_checkout", "red", "green"), ("new_checkout", None, 5), ("", [1], None)),
    )
    tables = text.split('<details class="vwo-group" open>')[1:]
    assert len(tables) == 2
    assert "<bdi>new_checkout</bdi></strong>\n2 changes</summary>" in tables[0]
    assert "Changes of new_checkout</caption>" in tables[0]
    assert (
        '<tr><th scope="row"><bdi>new_checkout changed</bdi></th>'
        '<td><bdi class="vwo-value">&quot;red&quot;</bdi></td>'
        '<td><bdi class="vwo-value">&quot;green&quot;</bdi></td></tr>'
    ) in tables[0].replace("\n", "")
    assert "<td>–</td>" in tables[0]
    assert f'<a href="{EVENTS}?feature=new_checkout">Everything that ever happened to' in tables[0]
    assert "No single flag</strong>\n1 change</summary>" in tables[1]
    assert "Everything" not in tables[1]


def test_many_changes_are_closed_at_first(admin_client):
    several = [(f"flag_{number}", 1, 2) for number in range(comparison.MOST_OPEN)]
    assert event_page(admin_client, changed_by(*several)).count('vwo-group" open') == len(several)
    text = event_page(admin_client, changed_by(*several, ("flag_x", 1, 2)))
    assert 'vwo-group" open' not in text
    assert "1 change: <bdi>flag_x changed</bdi></summary>" in text


def test_a_closed_table_names_its_flag_once(admin_client, deliver, vwo, monkeypatch):
    monkeypatch.setattr(comparison, "MOST_OPEN", 0)
    changed_event(deliver, vwo, color="red")
    text = event_page(admin_client, changed_event(deliver, vwo, color="green"))
    assert "1 change: <bdi>color “red” → “green”</bdi></summary>" in text


def test_the_title_of_an_event_is_one_line_from_left_to_right():
    assert str(WebhookEvent(pk=7, action="paid\u202e\n")) == "paid\\u202e\\n #7"


def test_of_too_many_changes_the_page_tells_how_many_it_leaves_out(admin_client, monkeypatch):
    monkeypatch.setattr(comparison, "MOST_CHANGES", 2)
    event = changed_by(("a", 1, 2), ("b", 1, 2), ("c", 1, 2))
    text = event_page(admin_client, event)
    assert "1 more changes are in the JSON above." in text
    assert "Changes of c" not in text
    assert len(admin_client.get(f"{EVENTS}{event.pk}/json/").json()["changes"]) == 3


NASTY = [
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert"),
    ('"><img src=x onerror=y>', "\\&quot;&gt;&lt;img src=x", "<img src=x"),
    ("invoice\u202egnp.exe", "invoice\\u202egnp.exe", "\u202e"),
    ("a\u2066b\x00\x1b[31m", "a\\u2066b\\u0000\\u001b[31m", "\u2066"),
    ("half a pair \ud83d", "half a pair \\ud83d", "\ufffd"),
]


@pytest.mark.parametrize(("value", "shown", "never"), NASTY)
def test_values_are_shown_as_text(admin_client, value, shown, never):
    event = changed_by((value, value, {value: [value]}))
    # no payload has NUL or half a pair: the door refuses them
    payload = value.replace("\x00", "").encode(errors="ignore").decode()
    WebhookEvent.objects.filter(pk=event.pk).update(payload={"x": payload})
    for text in (
        event_page(admin_client, event),
        snapshot_page(admin_client, event.snapshot),
        page(admin_client, EVENTS),
    ):
        assert never not in text
    assert event_page(admin_client, event).count(shown) >= 3


def test_right_to_left_text_is_kept_apart(admin_client):
    text = event_page(admin_client, changed_by(("flag", "مرحبا", "سلام")))
    assert '<bdi class="vwo-value">&quot;مرحبا&quot;</bdi>' in text


def test_a_long_value_is_cut_and_can_be_seen_whole(admin_client):
    value = "begin " + "x" * 50_000 + " end"
    text = event_page(admin_client, changed_by(("flag", "short", value)))
    assert '<details><summary><bdi class="vwo-beginning">&quot;begin xxx' in text
    assert text.count(value) == 1
    assert "Cut here" not in text


def test_a_huge_value_is_cut_and_the_whole_is_in_the_json(admin_client):
    value = "x" * 150_000
    event = changed_by(("flag", None, value))
    WebhookEvent.objects.filter(pk=event.pk).update(payload={"long": value})
    text = event_page(admin_client, event)
    assert "Cut here; “JSON” above has the whole." in text
    assert "Cut after 100000 of 150012 characters" in text
    assert 200_000 < len(text) < 260_000
    whole = admin_client.get(f"{EVENTS}{event.pk}/json/")
    assert whole.json()["changes"][0]["after"] == value
    assert whole["Content-Disposition"].startswith("attachment")


def test_many_long_values_make_no_endless_page(admin_client):
    event = changed_by(*((f"flag_{number}", "x" * 100_000, "y") for number in range(100)))
    assert len(event_page(admin_client, event)) < 2_500_000


def test_json_of_200_levels_is_shown(admin_client):
    deep: object = "the core"
    for _ in range(200):
        deep = {"in": [deep]}
    event = changed_by(("flag", None, deep))
    assert event_page(admin_client, event).count("the core") == 1


def test_the_timing_of_an_event(admin_client):
    at = datetime(2024, 6, 30, 12, 0, 5, tzinfo=zones.utc)
    event = event_at(
        at,
        timestamp=at - timedelta(seconds=3),
        last_received_at=at + timedelta(seconds=60),
        deliveries=4,
        finished_at=at + timedelta(seconds=61),
        refresh_seconds=0.084,
        outcome="unchanged",
    )
    assert timing(event_page(admin_client, event)) == [
        ("Changed at VWO", "2024-06-30 12:00:02", ""),
        ("Webhook received", "2024-06-30 12:00:05", "3.0 s after the change"),
        ("Last delivered", "2024-06-30 12:01:05", "4 deliveries"),
        ("Fresh here", "2024-06-30 12:01:06", "the refresh took 84 ms"),
        ("Fresh in the whole fleet", "–", ""),
    ]
    event = event_at(at)
    assert timing(event_page(admin_client, event))[3] == ("Fresh here", "–", "")


def timing(text):
    rows = text.split("From the change to the whole fleet")[1].split("<tbody>")[1]
    rows = rows.split("</tbody>")[0].split("<tr>")[1:]
    marks = ('<th scope="row">', "</th>", '<td class="vwo-when">', "<td>", "</td>", "</tr>")
    for mark in marks:
        rows = [row.replace(mark, "|") for row in rows]
    return [tuple(row.strip().strip("|").split("||")[:3]) for row in (r + "|" for r in rows)]


def process(snapshot, **values):
    row = FleetProcess(**ours(), host="web", pid=1, kind="gunicorn", snapshot=snapshot)
    for name, value in {"followed": True, "heartbeat_at": UnixNow(), **values}.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def test_when_the_whole_fleet_was_fresh(admin_client):
    event = changed_by(("flag", 1, 2))
    at = event.snapshot.created_at
    for seconds in (1, 2):
        process(event.snapshot, applied_at=at + timedelta(seconds=seconds))
    when = (at + timedelta(seconds=2)).strftime("%Y-%m-%d %H:%M:%S")
    whole = timing(event_page(admin_client, event))[4]
    assert whole == ("Fresh in the whole fleet", when, "2 of 2 processes")
    process(None)
    whole = timing(event_page(admin_client, event))[4]
    assert whole == ("Fresh in the whole fleet", "–", "2 of 3 processes")
    changed_by(("flag", 2, 3))
    assert timing(event_page(admin_client, event))[4] == ("Fresh in the whole fleet", "–", "")


def test_the_credential_is_named(admin_client):
    assert "secret 2" in event_page(admin_client, event_at(credential="secret 2"))


def test_previous_and_next_event_in_one_second(admin_client):
    at = timezone.now()
    events = [event_at(at - timedelta(days=1)), event_at(at), event_at(at), event_at(at)]
    events.sort(key=lambda event: (event.received_at, event.pk))
    for place, event in enumerate(events):
        context = admin_client.get(f"{EVENTS}{event.pk}/change/").context
        assert context["previous"] == (events[place - 1] if place else None)
        assert context["next"] == (events[place + 1] if place < 3 else None)
    text = event_page(admin_client, events[1])
    assert f'<a href="{EVENTS}{events[0].pk}/change/" rel="prev"' in text
    assert f'<a href="{EVENTS}{events[2].pk}/change/" rel="next"' in text


def test_the_neighbours_keep_the_filters_of_the_list(admin_client):
    old, new = event_at(), event_at()
    kept = "_changelist_filters=outcome__exact%3Dpending"
    text = page(admin_client, f"{EVENTS}{new.pk}/change/?{kept}")
    assert f'href="{EVENTS}{old.pk}/change/?{kept}"' in text


# the snapshot


def test_previous_and_next_snapshot_are_of_the_same_site(admin_client):
    first = snapshot_of()
    snapshot_of(environment="staging")
    snapshot_of(key_digest="0")
    last = snapshot_of()
    context = admin_client.get(f"{SNAPSHOTS}{last.pk}/change/").context
    assert (context["previous"], context["next"]) == (first, None)
    assert admin_client.get(f"{SNAPSHOTS}{first.pk}/change/").context["next"] == last


def test_a_snapshot_tells_what_it_changed(admin_client):
    first = snapshot_of(("new_checkout", None, "red"))
    text = snapshot_page(admin_client, first)
    assert f"The first settings, #{first.pk}" in text
    second = snapshot_of(("new_checkout", "red", "green"))
    text = snapshot_page(admin_client, second)
    assert f"What changed from #{first.pk} to #{second.pk}" in text
    assert "&quot;green&quot;" in text


def documents(vwo):
    snapshots = []
    for color in ("red", "green", "blue"):
        vwo.set_flag("new_checkout", variables={"color": color})
        snapshots.append(refresh_settings())
    return snapshots


def test_a_snapshot_compared_with_any_other(admin_client, vwo):
    red, green, blue = documents(vwo)
    for page_of, other in ((blue, red), (red, blue)):
        text = snapshot_page(admin_client, page_of, f"?compare_to={other.pk}")
        assert f"What changed from #{red.pk} to #{blue.pk}" in text
        assert "new_checkout: color “red” → “blue”" in text
        assert "another environment" not in text
    text = snapshot_page(admin_client, blue, f"?compare_to=%23{green.pk}")
    assert "new_checkout: color “green” → “blue”" in text


def test_a_comparison_of_what_is_the_same(admin_client, vwo):
    red, green, _blue = documents(vwo)
    vwo.set_flag("new_checkout", variables={"color": "red"})
    again = refresh_settings()
    text = snapshot_page(admin_client, again, f"?compare_to={red.pk}")
    assert "Nothing: the two are identical" in text
    text = snapshot_page(admin_client, green, f"?compare_to={green.pk}")
    assert "The same settings" in text


@pytest.mark.parametrize("wanted", ["999", "nonsense", "-1", "9" * 30, "²", "<b>"])
def test_a_comparison_with_what_is_not_there(admin_client, wanted):
    text = snapshot_page(admin_client, snapshot_of(("flag", 1, 2)), f"?compare_to={wanted}")
    assert "There are no settings with the number “" in text
    assert "What changed" not in text
    assert "<b>" not in text


def test_a_comparison_with_another_environment_says_so(admin_client):
    mine, other = snapshot_of(), snapshot_of(environment="staging")
    text = snapshot_page(admin_client, mine, f"?compare_to={other.pk}")
    assert f"#{other.pk} belongs to another environment or SDK key (staging)." in text


def test_the_json_of_a_snapshot(admin_client, vwo):
    red = documents(vwo)[0]
    told = admin_client.get(f"{SNAPSHOTS}{red.pk}/json/").json()
    assert told["settings"] == red.settings
    assert told["changes"] == red.changes
    assert admin_client.get(f"{SNAPSHOTS}999/json/").status_code == 404


def test_only_the_newest_is_in_force(admin_client):
    old, new = snapshot_of(), snapshot_of()
    assert ">in force<" not in snapshot_page(admin_client, old)
    assert ">in force<" in snapshot_page(admin_client, new)


# what catches the eye

HOUR = 3600


@pytest.mark.parametrize(
    ("cause", "age", "delivered", "missed"),
    [
        ("reconcile", 2 * HOUR, None, True),
        ("reconcile", HOUR - 60, None, False),
        ("webhook", 2 * HOUR, None, False),
        ("reconcile", 3 * HOUR, (30, 30), False),
        ("reconcile", 3 * HOUR, (HOUR - 1, HOUR - 1), False),
        ("reconcile", 3 * HOUR, (HOUR + 1, HOUR + 1), True),
        ("reconcile", 3 * HOUR, (-30, -30), False),
        ("reconcile", 3 * HOUR, (-90, -90), True),
        # delivered again and again, the first time long before
        ("reconcile", 3 * HOUR, (-1800, 5), False),
    ],
)
def test_when_a_webhook_was_missed(admin_client, cause, age, delivered, missed):
    at = timezone.now() - timedelta(seconds=age)
    snapshot = snapshot_of(cause=cause, at=at)
    if delivered is not None:
        first, last = (at + timedelta(seconds=seconds) for seconds in delivered)
        event_at(first, last_received_at=last)
    event_at(at, environment="staging")
    event_at(at, key_digest="0")
    assert (">webhook missed<" in page(admin_client, SNAPSHOTS)) is missed
    assert (">webhook missed<" in snapshot_page(admin_client, snapshot)) is missed
    assert ("1 webhook missed in the last 30 days" in page(admin_client, EVENTS)) is missed
    cl = admin_client.get(f"{SNAPSHOTS}?webhook=missed").context["cl"]
    assert list(cl.result_list) == ([snapshot] if missed else [])


def test_missed_webhooks_of_a_month_ago_are_history(admin_client):
    snapshot_of(cause="reconcile", at=timezone.now() - timedelta(days=31))
    assert "missed in the last 30 days" not in page(admin_client, EVENTS)


def test_trouble_stands_above_the_list(admin_client, vwo):
    refresh_settings()
    assert "messagelist" not in page(admin_client, EVENTS)
    vwo.refuse()
    admin_client.post(REFRESH)
    page(admin_client, EVENTS)
    text = page(admin_client, EVENTS)
    assert '<li class="error">VWO’s settings cannot be refreshed since 20' in text
    assert "connection refused" in text
    assert '<span class="vwo-badge vwo-failing">failing</span>' in text


def test_settings_that_nobody_looked_at_stand_above_the_list(admin_client, vwo):
    assert "Nobody has looked at VWO yet." in page(admin_client, EVENTS)
    refresh_settings()
    RefreshLease.objects.update(looked_at=UnixNow() - 3600)
    text = page(admin_client, EVENTS)
    assert '<li class="warning">Nobody has looked at VWO as often as planned since 20' in text
    assert "vwo-stale" in text


def test_the_line_about_the_fleet(admin_client, vwo):
    snapshot = refresh_settings()
    process(snapshot, applied_at=snapshot.created_at + timedelta(seconds=1.5))
    process(None)
    text = page(admin_client, EVENTS)
    assert f"1 of 2 on #{snapshot.pk}, slowest 1.5 s" in text
    assert "Behind: gunicorn 1 on web" in text
    assert "Stale" not in text
    FleetProcess.objects.update(heartbeat_at=UnixNow() - 100)
    text = page(admin_client, EVENTS)
    assert f"0 of 0 on #{snapshot.pk}" in text
    assert "Stale, not heard of for a while: gunicorn 1 on web, gunicorn 1 on web" in text


# the picture


def test_the_picture_counts_the_days_of_the_site(admin_client, settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    with timezone.override("Pacific/Auckland"):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(3):
        event_at(midnight, outcome="changed")
    event_at(midnight - timedelta(seconds=1), outcome="failed")
    event_at(midnight - timedelta(days=40), outcome="failed")
    with timezone.override("Pacific/Auckland"):
        picture = draw()
    assert len(picture.days) == 30
    assert picture.days[-1].date == midnight.date()
    assert picture.days[-1].counts == {"pending": 0, "changed": 3, "unchanged": 0, "failed": 0}
    assert picture.days[-2].counts == {"pending": 0, "changed": 0, "unchanged": 0, "failed": 1}
    assert [total for _value, _label, total in picture.totals] == [0, 3, 0, 1]
    changed, failed = sorted(picture.bars, key=lambda bar: bar.outcome)
    assert (changed.y, changed.height) == (0, HEIGHT * 3 // 4)
    assert (failed.y, failed.height) == (HEIGHT * 3 // 4, HEIGHT // 4)
    text = page(admin_client, EVENTS)
    row = f'<tr><th scope="row">{midnight:%Y-%m-%d}</th><td>0</td><td>3</td><td>0</td><td>0</td>'
    assert row in text
    assert "</span>failed 1</li>" in text


def test_one_failure_among_thousands_can_be_seen():
    event_at(outcome="failed")
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            **ours(),
            event="x",
            payload={},
            outcome="unchanged",
            received_at=timezone.now(),
            last_received_at=timezone.now(),
            first_flight=0,
            last_flight=0,
        )
        for _ in range(2000)
    )
    assert min(bar.height for bar in draw().bars) >= 20


def test_the_picture_takes_one_statement(django_assert_num_queries):
    # and on PostgreSQL a setting, in a transaction of their own
    number = 4 if connection.vendor == "postgresql" else 1
    event_at()
    with django_assert_num_queries(number):
        draw()


# export


def exported(client, form, *events, query="", **data):
    chosen = [event.pk for event in events] or WebhookEvent.objects.values_list("pk", flat=True)[:1]
    response = client.post(
        EVENTS + query,
        {"action": f"export_{form}", "_selected_action": list(chosen), **data},
    )
    assert response.status_code == 200
    assert response.streaming
    text = response.getvalue().decode()
    return json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_of_what_is_chosen_or_of_all_that_match(admin_client, form):
    events = [event_at(outcome="failed" if n % 2 else "unchanged") for n in range(5)]
    rows = exported(admin_client, form, events[0], events[3])
    assert [int(row["id"]) for row in rows] == [events[3].pk, events[0].pk]
    rows = exported(admin_client, form, query="?outcome__exact=failed", select_across="1")
    assert [int(row["id"]) for row in rows] == [events[3].pk, events[1].pk]


def test_an_event_as_json(admin_client, deliver, vwo):
    refresh_settings()
    event = changed_event(deliver, vwo, color="green")
    (row,) = exported(admin_client, "json", event)
    assert row["payload"] == event.payload
    assert row["changes"] == event.snapshot.changes
    assert row["received_at"] == event.received_at.isoformat()[:23] + "Z"
    assert row == admin_client.get(f"{EVENTS}{event.pk}/json/").json()
    assert "must-not-leak" not in json.dumps(row)


def test_no_events_as_json():
    assert json.loads("".join(export.as_json(WebhookEvent.objects.none()))) == []


def test_an_event_as_csv(admin_client):
    event = changed_by(("a", 1, 2), ("b", 1, 2), triggered_by='Ada "the first", née Byron\n')
    (row,) = exported(admin_client, "csv", event)
    assert row["triggered_by"] == event.triggered_by
    assert row["received_at"] == event.received_at.isoformat()
    assert (row["first_change"], row["changes"]) == ("a changed", "2")


FORMULAS = [
    "=cmd()",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "＝1",
    "half \ud83d",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_the_csv_is_computed(admin_client, text):
    event = event_at(deliveries=1)
    event.action = text
    (_head, line) = "".join(_lines([event])).split("\r\n", 1)
    cell = next(csv.reader(io.StringIO(line, newline="")))[export.COLUMNS.index("action")]
    assert cell == ("half \\ud83d" if "half" in text else f"'{text}")


def _lines(events):
    """The CSV of rows as they are in memory: not every database stores half a pair."""
    original, export.in_bites = export.in_bites, lambda _rows: iter(events)
    try:
        return list(export.as_csv(WebhookEvent.objects.all()))
    finally:
        export.in_bites = original


def test_an_export_goes_on_where_it_was_by_short_statements(monkeypatch):
    monkeypatch.setattr(export, "BITE", 2)
    at = timezone.now()
    events = [event_at(at) for _ in range(5)] + [event_at(at + timedelta(seconds=1))]
    wanted = [event.pk for event in sorted(events, key=lambda e: (e.received_at, e.pk))][::-1]
    with CaptureQueriesContext(connection) as captured:
        bites = export.in_bites(WebhookEvent.objects.all())
        assert next(bites).pk == wanted[0]
        assert len(captured) == 1
        assert [event.pk for event in bites] == wanted[1:]
    assert all("LIMIT 2" in query["sql"] for query in captured)
    assert "OFFSET" not in captured[-1]["sql"]


def test_an_export_is_streamed_to_an_asgi_server_too(rf):
    for _ in range(3):
        event_at()
    request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": []}, None)
    response = export.streamed(request, iter(["a", "b"]), "text/plain", "x.txt")
    assert response.is_async

    async def collect():
        return [part async for part in response]

    assert asyncio.run(collect()) == [b"ab"]
    assert not export.streamed(rf.get("/"), iter(["a"]), "text/plain", "x.txt").is_async


def test_an_export_is_logged(staff):
    client = staff("view_webhookevent")
    events = [event_at(outcome="failed") for _ in range(3)]
    exported(client, "csv", *events[:2], query="?outcome__exact=failed")
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_repr) == ("staff", "Export as CSV")
    assert entry.change_message == (
        "Exported 2 webhook events; the list was filtered by: outcome__exact=failed"
    )


# who may do what

LOOKS = {
    "events": EVENTS,
    "event": f"{EVENTS}{{event}}/change/",
    "history of an event": f"{EVENTS}{{event}}/history/",
    "json of an event": f"{EVENTS}{{event}}/json/",
    "snapshots": SNAPSHOTS,
    "snapshot": f"{SNAPSHOTS}{{snapshot}}/change/",
    "comparison": f"{SNAPSHOTS}{{snapshot}}/change/?compare_to={{snapshot}}",
    "json of a snapshot": f"{SNAPSHOTS}{{snapshot}}/json/",
}
OF_EVENTS, OF_SNAPSHOTS = list(LOOKS)[:4], list(LOOKS)[4:]


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize(
    ("codename", "allowed"),
    [
        (None, []),
        ("view_webhookevent", OF_EVENTS),
        ("view_settingssnapshot", OF_SNAPSHOTS),
        ("change_webhookevent", OF_EVENTS),
        ("delete_webhookevent", []),
        ("add_webhookevent", []),
        ("view_user", []),
    ],
)
def test_who_may_look(staff, name, codename, allowed):
    event = changed_by(("flag", 1, 2))
    client = staff(codename)
    status = client.get(LOOKS[name].format(event=event.pk, snapshot=event.snapshot_id)).status_code
    assert status == (200 if name in allowed else 403)


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("codename", [None, "view_settingssnapshot", "delete_webhookevent"])
def test_who_may_not_look_may_not_export(staff, form, codename):
    data = {"action": f"export_{form}", "_selected_action": [event_at().pk]}
    assert staff(codename).post(EVENTS, data).status_code == 403
    assert not LogEntry.objects.exists()


def test_visitors_are_sent_to_the_login(client, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "LoginRequired" not in name]
    event = changed_by(("flag", 1, 2))
    for url in LOOKS.values():
        response = client.get(url.format(event=event.pk, snapshot=event.snapshot_id))
        assert response.url.startswith("/admin/login/")
    assert client.post(REFRESH).url.startswith("/admin/login/")


def test_whoever_may_not_see_snapshots_gets_no_link_to_them(staff):
    event = changed_by(("flag", 1, 2))
    snapshot_of(cause="reconcile", at=timezone.now() - timedelta(hours=30))
    client = staff("view_webhookevent")
    for url in (EVENTS, f"{EVENTS}{event.pk}/change/"):
        assert SNAPSHOTS not in page(client, url)
    assert "1 webhook missed in the last 30 days" in page(client, EVENTS)
    assert f"Settings {event.snapshot}" in event_page(client, event)


def test_whoever_may_not_see_events_gets_no_link_to_them(staff):
    event = changed_by(("flag", 1, 2), action="secret plans")
    text = snapshot_page(staff("view_settingssnapshot"), event.snapshot)
    assert EVENTS not in text
    assert "secret plans" not in text


def test_whoever_may_see_both_gets_the_links(staff):
    event = changed_by(("flag", 1, 2))
    snapshot_of(cause="reconcile", at=timezone.now() - timedelta(hours=30))
    client = staff("view_webhookevent", "view_settingssnapshot")
    assert f'<a href="{SNAPSHOTS}?webhook=missed">' in page(client, EVENTS)
    assert f'<a href="{SNAPSHOTS}{event.snapshot_id}/change/">' in event_page(client, event)
    assert f'<a href="{EVENTS}{event.pk}/change/">' in snapshot_page(client, event.snapshot)
