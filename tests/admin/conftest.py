"""Users, stored rows, and the pages that show them."""

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from django_vwo_webhooks.models import FleetProcess, RefreshLease, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.models.base import ours
from django_vwo_webhooks.models.clock import UnixNow

EVENTS = "/admin/django_vwo_webhooks/webhookevent/"
SNAPSHOTS = "/admin/django_vwo_webhooks/settingssnapshot/"
SWITCHES = "/admin/django_vwo_webhooks/killswitch/"
FLAG_LIST = "/admin/django_vwo_webhooks/flag/"
REFRESH = f"{EVENTS}refresh/"


@pytest.fixture
def staff(client):
    """Logs in a staff user who has these permissions."""

    def log_in(*codenames):
        user = User.objects.create_user("staff", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in


def changed_event(deliver, vwo, **variables):
    """The event of a delivery that changed variables of a flag."""
    vwo.set_flag("new_checkout", variables=variables)
    deliver(action=f"change {variables}")
    return WebhookEvent.objects.first()


def event_row(at=None, **values):
    """An event that is not saved yet."""
    at = at or timezone.now()
    row = {"event": "settings_changed", "payload": {}, "received_at": at, "last_received_at": at}
    noted = {"first_noted": 0, "last_noted": 0}
    return WebhookEvent(**{**ours(), **row, **noted, **values})


def event_at(at=None, **values):
    event = event_row(at, **values)
    event.save(force_insert=True)
    return event


def how(before, after):
    return "added" if before is None else "removed" if after is None else "changed"


def snapshot_of(*changes, settings=None, at=None, **values):
    """A snapshot that came into force with these changes: (feature, before, after)."""
    documents = [
        {
            "kind": "variable",
            "feature": feature,
            "path": "x",
            "before": before,
            "after": after,
            "values": {"what": "x", "how": how(before, after), "as": "value"},
        }
        for feature, before, after in changes
    ]
    cause = values.pop("cause", "webhook")
    snapshot = SettingsSnapshot.of(settings or {}, "0", documents, cause, at or timezone.now())
    for name, value in values.items():
        setattr(snapshot, name, value)
    snapshot.store()
    RefreshLease.objects.update_or_create(
        environment=snapshot.environment,
        key_digest=snapshot.key_digest,
        defaults={"snapshot": snapshot, "digest": snapshot.digest},
    )
    return snapshot


def changed_by(*changes, **values):
    return event_at(outcome="changed", snapshot=snapshot_of(*changes), **values)


def process(snapshot, **values):
    """A process of the fleet that runs ``snapshot``."""
    row = FleetProcess(**ours(), host="web", pid=1, kind="gunicorn", snapshot=snapshot)
    for name, value in {"followed": True, "heartbeat_at": UnixNow(), **values}.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def event_page(client, event):
    return page(client, f"{EVENTS}{event.pk}/change/")


def snapshot_page(client, snapshot, query=""):
    return page(client, f"{SNAPSHOTS}{snapshot.pk}/change/{query}")


def listed(client, query):
    """The ids of the events that the list shows."""
    cl = client.get(EVENTS + query).context["cl"]
    return [event.pk for event in cl.result_list]


def page(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()
