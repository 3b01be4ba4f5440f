"""The button “Refresh now”."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import EVENTS, REFRESH, SNAPSHOTS, changed_event, page

pytestmark = pytest.mark.django_db


def test_users_with_only_the_view_permission_see_no_button(staff, deliver, vwo):
    event = changed_event(deliver, vwo, color="green")
    client = staff("view_webhookevent")
    assert "Refresh now" not in page(client, EVENTS)
    assert "Refresh now" not in page(client, f"{EVENTS}{event.pk}/change/")
    assert client.post(REFRESH).status_code == 403
    assert len(vwo.fetches) == 1


def test_users_with_the_change_permission_can_refresh(staff, vwo):
    client = staff("view_webhookevent", "change_webhookevent")
    assert "Refresh now" in page(client, EVENTS)
    response = client.post(REFRESH, follow=True)
    snapshot = SettingsSnapshot.objects.get()
    assert response.redirect_chain == [(EVENTS, 302)]
    assert f"#{snapshot.pk} is in force" in response.content.decode()
    assert snapshot.cause == "manual"
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_repr) == ("staff", "Refresh now")


def test_a_failed_refresh_shows_the_reason(admin_client, vwo):
    vwo.refuse()
    response = admin_client.post(REFRESH, {"next": SNAPSHOTS}, follow=True)
    assert response.redirect_chain == [(SNAPSHOTS, 302)]
    assert "connection refused" in response.content.decode()


def test_refreshing_redirects_to_no_other_site(admin_client, vwo):
    response = admin_client.post(REFRESH, {"next": "https://elsewhere.example/"})
    assert response.url == EVENTS


def test_refreshing_requires_a_post(admin_client):
    assert admin_client.get(REFRESH).status_code == 405


def test_refreshing_under_atomic_requests(admin_client, vwo):
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert "is in force" in admin_client.post(REFRESH, follow=True).content.decode()
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_a_refresh_shows_whether_anything_changed(admin_client, vwo):
    refresh_settings()
    assert "unchanged" in refresh_messages(admin_client)
    vwo.set_flag("new_checkout", variables={"color": "blue"})
    assert "1 change." in refresh_messages(admin_client)


def refresh_messages(client):
    response = client.post(REFRESH, follow=True)
    return " ".join(str(message) for message in response.context["messages"])
