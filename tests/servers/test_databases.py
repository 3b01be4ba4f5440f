"""The models on another database alias than the default one."""

import pytest
from django.db import connections

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "other"])


class OnOther:
    """Reads go elsewhere on purpose, as to a replica that lags behind."""

    def db_for_read(self, model, **hints):
        return "default"

    def db_for_write(self, model, **hints):
        return "other" if model._meta.app_label == "django_vwo_webhooks" else "default"


@pytest.fixture(autouse=True)
def router(settings):
    settings.DATABASE_ROUTERS = [f"{__name__}.OnOther"]


@pytest.fixture
def atomic_requests():
    for connection in connections.all():
        connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    for connection in connections.all():
        connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_rows_are_read_from_where_they_are_written(vwo, deliver, atomic_requests):
    assert deliver().status_code == 200
    assert WebhookEvent.objects.using("other").get().outcome == "changed"
    assert not WebhookEvent.objects.using("default").exists()
    assert SettingsSnapshot.objects.in_force() is not None
    assert get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()


def test_the_next_change_is_compared_with_the_stored_settings(vwo, deliver, atomic_requests):
    deliver()
    vwo.set_flag("new_checkout", enabled=False)
    assert deliver(action="off").status_code == 200
    event = WebhookEvent.objects.get(action="off")
    assert [change["kind"] for change in event.snapshot.changes] == ["switched_off"]


def test_a_failure_is_recorded_there(vwo, deliver, atomic_requests):
    vwo.refuse()
    assert deliver().status_code == 503
    assert WebhookEvent.objects.using("other").get().outcome == "failed"


def test_the_admin_reads_from_there_too(vwo, deliver, admin_client):
    deliver()
    event = WebhookEvent.objects.get()
    page = admin_client.get(f"/admin/django_vwo_webhooks/webhookevent/{event.pk}/change/")
    assert page.status_code == 200
