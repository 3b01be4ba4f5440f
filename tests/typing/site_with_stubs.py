"""What a site writes that uses django-stubs: rows, receivers, authentication, URLs.

Checked by mypy and pyright as ``.ci/check-types`` runs them; never run.
"""

from datetime import datetime
from typing import Any

from django.dispatch import Signal, receiver
from django.http import HttpRequest
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from typing_extensions import assert_type

from django_vwo_webhooks.authentication import (
    Credential,
    SecretAndSignatureAuthentication,
    SharedSecretAuthentication,
    WebhookSignatureAuthentication,
)
from django_vwo_webhooks.kill_switch import release, use
from django_vwo_webhooks.models import KillSwitch, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.sdk.client import Client
from django_vwo_webhooks.signals import (
    kill_switch_released,
    kill_switch_used,
    refresh_failed,
    settings_applied,
    settings_refreshed,
    webhook_received,
)
from django_vwo_webhooks.views import StatusView, WebhookView

urlpatterns = [
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
    path("vwo/", WebhookView.as_view()),
    path("vwo/status/", StatusView.as_view()),
]


@receiver(webhook_received)
def note_event(event: WebhookEvent, **kwargs: Any) -> None:
    assert_type(event.timestamp, datetime | None)
    assert_type(event.event, str)
    assert_type(event.action, str)
    assert_type(event.triggered_by, str)
    assert_type(event.outcome, str)
    assert_type(event.error, str)
    assert_type(event.deliveries, int)
    assert_type(event.received_at, datetime)
    assert_type(event.last_received_at, datetime)
    assert_type(event.finished_at, datetime | None)
    assert_type(event.refresh_seconds, float | None)
    assert_type(event.snapshot, SettingsSnapshot | None)
    assert_type(event.remote_addr, str | None)
    assert_type(event.credential, str)
    assert_type(event.environment, str)
    payload: dict[str, Any] = event.payload
    assert_type(event.previous(), WebhookEvent | None)
    print(payload, event.outcome == WebhookEvent.Outcome.CHANGED)


@receiver(settings_refreshed)
def note_refresh(
    events: list[WebhookEvent],
    snapshot: SettingsSnapshot,
    changes: list[dict[str, Any]],
    **kwargs: Any,
) -> None:
    assert_type(snapshot.digest, str)
    assert_type(snapshot.cause, str)
    assert_type(snapshot.created_at, datetime)
    assert_type(snapshot.environment, str)
    assert_type(snapshot.change_count, int)
    document: dict[str, Any] = snapshot.settings
    stored: list[dict[str, Any]] = snapshot.changes
    print(events, changes, document, stored, snapshot.cause == SettingsSnapshot.Cause.RECONCILE)


@receiver([settings_applied, refresh_failed])
def note_either(sender: Any, client: Client | None = None, **kwargs: Any) -> None:
    print(client)


@receiver([kill_switch_used, kill_switch_released])
def note_switch(switch: KillSwitch, **kwargs: Any) -> None:
    assert_type(switch.flag, str)
    assert_type(switch.reason, str)
    assert_type(switch.used_by, str)
    assert_type(switch.used_at, datetime)
    assert_type(switch.until, datetime | None)
    assert_type(switch.released_by, str)
    assert_type(switch.released_at, datetime | None)


assert_type(settings_applied, Signal)


def switch_off() -> None:
    assert_type(use("new_checkout", reason="errors", by="ops", seconds=None), KillSwitch)
    assert_type(release("new_checkout", by="ops"), KillSwitch | None)


class FromOurNetwork(SharedSecretAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Credential] | None:
        authenticated = super().authenticate(request)
        if authenticated is not None:
            assert_type(authenticated[1].label, str)
        return authenticated


AUTHENTICATION: list[type[BaseAuthentication]] = [
    FromOurNetwork,
    SecretAndSignatureAuthentication,
    SharedSecretAuthentication,
    WebhookSignatureAuthentication,
]


def is_vwo(request: HttpRequest) -> bool:
    return "x-vwo-auth" in request.headers
