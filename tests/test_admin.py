"""The audit trail as staff see it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.staticfiles import finders
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_vwo_webhooks.admin.words import duration
from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent
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


@pytest.mark.parametrize("word", [*WebhookEvent.Outcome.values, "fresh", "stale", "failing"])
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
