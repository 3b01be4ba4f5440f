"""The list and the pages of settings snapshots."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import (
    EVENTS,
    SNAPSHOTS,
    changed_event,
    event_at,
    page,
    snapshot_of,
    snapshot_page,
)

pytestmark = pytest.mark.django_db


def test_the_list_and_the_page_of_a_snapshot(admin_client, deliver, vwo):
    refresh_settings()
    event = changed_event(deliver, vwo, color="green")
    text = page(admin_client, SNAPSHOTS)
    assert text.count(">in force<") == 1
    text = page(admin_client, f"{SNAPSHOTS}{event.snapshot_id}/change/")
    assert f'href="{EVENTS}{event.pk}/change/"' in text
    assert "&quot;features&quot;" in text
    before, _, document = text.partition('<details class="vwo-document">')
    assert event.snapshot.digest in document
    assert event.snapshot.digest not in before


def test_a_snapshot_names_only_the_events_that_brought_it(admin_client, deliver, vwo):
    event = changed_event(deliver, vwo, color="green")
    deliver(action="came later and changed nothing")
    text = page(admin_client, f"{SNAPSHOTS}{event.snapshot_id}/change/")
    assert text.count(EVENTS + f"{event.pk}/change/") == 1
    assert "came later" not in text


def test_previous_and_next_snapshot_are_of_the_same_site(admin_client):
    first = snapshot_of()
    snapshot_of(environment="staging")
    snapshot_of(key_digest="0")
    last = snapshot_of()
    context = admin_client.get(f"{SNAPSHOTS}{last.pk}/change/").context
    assert (context["previous"], context["next"]) == (first, None)
    assert admin_client.get(f"{SNAPSHOTS}{first.pk}/change/").context["next"] == last


def test_the_page_shows_what_a_snapshot_changed(admin_client):
    first = snapshot_of(("new_checkout", None, "red"))
    text = snapshot_page(admin_client, first)
    assert f"The first settings, #{first.pk}" in text
    second = snapshot_of(("new_checkout", "red", "green"))
    text = snapshot_page(admin_client, second)
    assert f"What changed from #{first.pk} to #{second.pk}" in text
    assert "“green”" in text


def in_cells(what, before, after):
    cells = "".join(f'<td><bdi class="vwo-value">{value}</bdi></td>' for value in (before, after))
    return f'<th scope="row"><bdi>{what}</bdi></th>{cells}'


def three_snapshots(vwo):
    snapshots = []
    for color in ("red", "green", "blue"):
        vwo.set_flag("new_checkout", variables={"color": color})
        snapshots.append(refresh_settings())
    return snapshots


def test_a_snapshot_can_be_compared_with_any_other(admin_client, vwo):
    red, green, blue = three_snapshots(vwo)
    for page_of, other in ((blue, red), (red, blue)):
        text = snapshot_page(admin_client, page_of, f"?compare_to={other.pk}")
        assert f"What changed from #{red.pk} to #{blue.pk}" in text
        assert in_cells("color", "“red”", "“blue”") in text.replace("\n", "")
        assert "another environment" not in text
    text = snapshot_page(admin_client, blue, f"?compare_to=%23{green.pk}")
    assert in_cells("color", "“green”", "“blue”") in text.replace("\n", "")


def test_a_comparison_of_identical_settings(admin_client, vwo):
    red, green, _blue = three_snapshots(vwo)
    vwo.set_flag("new_checkout", variables={"color": "red"})
    again = refresh_settings()
    text = snapshot_page(admin_client, again, f"?compare_to={red.pk}")
    assert "Nothing changed: the two are identical" in text
    text = snapshot_page(admin_client, green, f"?compare_to={green.pk}")
    assert "The same settings" in text


@pytest.mark.parametrize(
    "wanted", ["999", "nonsense", "-1", "0", str(2**63), "9" * 5000, "²", "<b>"]
)
def test_a_comparison_with_a_snapshot_that_does_not_exist(admin_client, wanted):
    text = snapshot_page(admin_client, snapshot_of(("flag", 1, 2)), f"?compare_to={wanted}")
    assert "There are no settings with the number “" in text
    assert "What changed" not in text
    assert "<b>" not in text


def test_a_comparison_with_another_environment_is_marked(admin_client):
    mine, other = snapshot_of(), snapshot_of(environment="staging")
    text = snapshot_page(admin_client, mine, f"?compare_to={other.pk}")
    assert f"#{other.pk} belongs to another environment or SDK key (staging)." in text


def test_the_json_of_a_snapshot(admin_client, vwo):
    red = three_snapshots(vwo)[0]
    document = admin_client.get(f"{SNAPSHOTS}{red.pk}/json/").json()
    assert document["settings"] == red.settings
    assert document["changes"] == red.changes
    assert admin_client.get(f"{SNAPSHOTS}999/json/").status_code == 404


def test_only_one_snapshot_of_a_site_is_in_force(admin_client):
    old, new = snapshot_of(), snapshot_of()
    assert ">in force<" not in snapshot_page(admin_client, old)
    assert ">in force<" in snapshot_page(admin_client, new)


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
        # retried many times, first delivered long before
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
