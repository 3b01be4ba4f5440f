"""What all pages share: they are read-only and require a permission, at a bounded cost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import (
    EVENTS,
    REFRESH,
    SNAPSHOTS,
    changed_by,
    changed_event,
    event_at,
    event_page,
    page,
    snapshot_of,
    snapshot_page,
)

pytestmark = pytest.mark.django_db


def test_nobody_can_add_change_or_delete_rows(admin_client, deliver, vwo):
    event = changed_event(deliver, vwo, color="green")
    assert admin_client.get(f"{EVENTS}add/").status_code == 403
    assert admin_client.get(f"{EVENTS}{event.pk}/delete/").status_code == 403
    assert admin_client.post(f"{EVENTS}{event.pk}/change/", {"event": "x"}).status_code == 403
    assert admin_client.get(f"{SNAPSHOTS}add/").status_code == 403


def test_an_empty_trail(admin_client):
    assert "0 webhook events" in page(admin_client, EVENTS)
    assert "0 settings snapshots" in page(admin_client, SNAPSHOTS)
    assert reverse("admin:django_vwo_webhooks_webhookevent_refresh") == REFRESH


@pytest.mark.parametrize("url", [EVENTS, SNAPSHOTS])
def test_the_number_of_statements_is_constant(admin_client, url):
    def rows(count):
        for _ in range(count):
            changed_by(("flag", 1, 2))

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
            executed = [query["sql"] for query in captured]
            counts.append(len([sql for sql in executed if sql not in ("BEGIN", "COMMIT")]))
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


@pytest.mark.parametrize("url", [EVENTS, SNAPSHOTS])
def test_the_lists_read_no_long_columns(admin_client, url):
    changed_by(("new_checkout", 1, 2))
    with CaptureQueriesContext(connection) as captured:
        page(admin_client, url)
    selected = [query["sql"].split(" FROM ")[0] for query in captured]
    for column in ("changes", "settings", "payload"):
        assert not [sql for sql in selected if f'"{column}"' in sql or f"`{column}`" in sql]


def test_without_a_permission_no_page_is_shown(staff, deliver, vwo):
    event = changed_event(deliver, vwo, color="green")
    client = staff()
    for url in (EVENTS, f"{EVENTS}{event.pk}/change/", SNAPSHOTS):
        assert client.get(url).status_code == 403
    assert client.post(REFRESH).status_code == 403


PAGES = {
    "events": EVENTS,
    "event": f"{EVENTS}{{event}}/change/",
    "history of an event": f"{EVENTS}{{event}}/history/",
    "json of an event": f"{EVENTS}{{event}}/json/",
    "snapshots": SNAPSHOTS,
    "snapshot": f"{SNAPSHOTS}{{snapshot}}/change/",
    "comparison": f"{SNAPSHOTS}{{snapshot}}/change/?compare_to={{snapshot}}",
    "json of a snapshot": f"{SNAPSHOTS}{{snapshot}}/json/",
}

OF_EVENTS, OF_SNAPSHOTS = list(PAGES)[:4], list(PAGES)[4:]


@pytest.mark.parametrize("name", PAGES)
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
def test_each_page_requires_its_view_permission(staff, name, codename, allowed):
    event = changed_by(("flag", 1, 2))
    client = staff(codename)
    status = client.get(PAGES[name].format(event=event.pk, snapshot=event.snapshot_id)).status_code
    assert status == (200 if name in allowed else 403)


def test_visitors_are_redirected_to_the_login(client, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "LoginRequired" not in name]
    event = changed_by(("flag", 1, 2))
    for url in PAGES.values():
        response = client.get(url.format(event=event.pk, snapshot=event.snapshot_id))
        assert response.url.startswith("/admin/login/")
    assert client.post(REFRESH).url.startswith("/admin/login/")


def test_without_permission_to_view_snapshots_there_are_no_links_to_them(staff):
    event = changed_by(("flag", 1, 2))
    snapshot_of(cause="reconcile", at=timezone.now() - timedelta(hours=30))
    client = staff("view_webhookevent")
    for url in (EVENTS, f"{EVENTS}{event.pk}/change/"):
        assert SNAPSHOTS not in page(client, url)
    assert "1 webhook missed in the last 30 days" in page(client, EVENTS)
    assert f"Settings {event.snapshot}" in event_page(client, event)


def test_without_permission_to_view_events_there_are_no_links_to_them(staff):
    event = changed_by(("flag", 1, 2), action="secret plans")
    text = snapshot_page(staff("view_settingssnapshot"), event.snapshot)
    assert EVENTS not in text
    assert "secret plans" not in text


def test_with_both_permissions_the_links_are_there(staff):
    event = changed_by(("flag", 1, 2))
    snapshot_of(cause="reconcile", at=timezone.now() - timedelta(hours=30))
    client = staff("view_webhookevent", "view_settingssnapshot")
    assert f'<a href="{SNAPSHOTS}?webhook=missed">' in page(client, EVENTS)
    assert f'<a href="{SNAPSHOTS}{event.snapshot_id}/change/">' in event_page(client, event)
    assert f'<a href="{EVENTS}{event.pk}/change/">' in snapshot_page(client, event.snapshot)
