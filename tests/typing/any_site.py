"""What a site writes that has no stubs of Django's: what is typed here needs only this package.

Checked by mypy and pyright as ``.ci/check-types`` runs them; never run.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from typing_extensions import assert_type

from django_vwo_webhooks.broadcast import Broadcast
from django_vwo_webhooks.broadcast.database import DatabaseBroadcast
from django_vwo_webhooks.broadcast.local import LocalBroadcast
from django_vwo_webhooks.broadcast.postgres import PostgresBroadcast
from django_vwo_webhooks.broadcast.redis import RedisBroadcast
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.contrib.sentry import install
from django_vwo_webhooks.exceptions import (
    BackingOff,
    BadStatus,
    FetchFailed,
    FetchTimedOut,
    InsideTransaction,
    InvalidSettings,
    NotApplied,
    NotJSON,
    NotStored,
    RefreshBusy,
    RefreshFailed,
    Superseded,
    TooLarge,
    UnbuildableSettings,
    VWOUnreachable,
)
from django_vwo_webhooks.management.outgoing import DeliveryAttempt, OutgoingWebhook
from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.sdk.client import Client, Flag
from django_vwo_webhooks.serializers import fleet_status_json
from django_vwo_webhooks.status import FleetState, FleetStatus, fleet_status
from django_vwo_webhooks.testing import (
    GatewaySimulator,
    VWOSimulator,
    VWOTestMixin,
    build_settings,
    deliver_vwo_webhook,
    feature,
    override_flags,
)
from django_vwo_webhooks.testing.broadcast import BroadcastContract


def evaluate_flags(user_id: str) -> str:
    client = get_client()
    assert_type(client, Client)
    flag = client.get_flag("new_checkout", {"id": user_id})
    assert_type(flag, Flag)
    assert_type(flag.is_enabled(), bool)
    assert_type(flag.get_variable("button", "Buy"), Any)
    assert_type(flag.get_variables(), list[dict[str, Any]])
    button: str = flag.get_variable("button", "Buy")
    assert_type(client.track_event("bought", {"id": user_id}), dict[str, Any])
    client.track_event("bought", {"id": user_id}, {"price": 12.5})
    client.set_attribute("plan", "pro", {"id": user_id})
    client.set_attribute({"plan": "pro"}, {"id": user_id})
    assert_type(client.snapshot_id, int | None)
    return button if flag.is_enabled() else "Order"


def refresh() -> int:
    try:
        snapshot = refresh_settings()
        refresh_settings(cause="manual")
    except (InsideTransaction, NotStored, NotApplied) as error:
        assert_type(error.retry_after, int)
        raise
    except BackingOff as error:
        return error.retry_after
    except RefreshFailed as error:
        assert_type(error.retry_after, int)
        return error.retry_after
    assert_type(snapshot, SettingsSnapshot)
    assert_type(snapshot.first_change, str)
    return 0


FETCH_FAILURES: list[type[FetchFailed]] = [
    BadStatus,
    FetchTimedOut,
    InvalidSettings,
    NotJSON,
    TooLarge,
    UnbuildableSettings,
    VWOUnreachable,
]
OTHER_FAILURES: list[type[RefreshFailed]] = [RefreshBusy, Superseded]


class FileBroadcast(Broadcast):
    pushes = True

    def __init__(self, *, path: str, poll_seconds: float = 1.0, thread: bool = True) -> None:
        super().__init__(poll_seconds=poll_seconds, thread=thread)
        self.path = path

    def publish(self, channel: str) -> None:
        print(self.path, channel)

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        return timeout_seconds > self.poll_seconds


BROADCASTS: list[Broadcast] = [
    DatabaseBroadcast(poll_seconds=2),
    FileBroadcast(path="/run/site"),
    LocalBroadcast(),
    PostgresBroadcast(),
    RedisBroadcast(url="redis://127.0.0.1"),
]


class TestFileBroadcast(BroadcastContract):
    def make(self) -> Broadcast:
        return FileBroadcast(path="/run/site")


def look_at_the_fleet() -> bool:
    status = fleet_status()
    assert_type(status, FleetStatus)
    assert_type(status.state, FleetState)
    assert_type(status.since, datetime | None)
    assert_type(status.snapshot, SettingsSnapshot | None)
    assert_type(status.refreshed_seconds, float | None)
    assert_type(status.error, str)
    assert_type(status.summary, str)
    assert_type(status.impressions_waiting, int)
    assert_type(status.impressions_dropped, dict[str, int])
    assert_type(status.refused.count, int)
    assert_type(fleet_status_json(status), dict[str, Any])
    assert_type(len(status.behind), int)
    return status.is_healthy and status.is_fresh


def simulate_vwo() -> None:
    document = build_settings(feature("new_checkout", percentage=50, variables={"button": "Buy"}))
    assert_type(document, dict[str, Any])
    with VWOSimulator(document, webhook_url="http://127.0.0.1:8000/webhooks/vwo/") as vwo:
        assert_type(vwo, VWOSimulator)
        assert_type(vwo.site_settings, dict[str, Any])
        assert_type(vwo.url, str)
        assert_type(vwo.set_flag("new_checkout", enabled=False), OutgoingWebhook | None)
        webhook = vwo.send_webhook()
        vwo.wait_for(lambda: vwo.impressions)
        attempts: list[DeliveryAttempt] = list(webhook.attempts)
        assert_type(attempts[0].status, int | None)
        assert_type(vwo.deliveries, list[OutgoingWebhook])
        vwo.misbehave(status=500)
        vwo.behave()
        vwo.settings = document
    with GatewaySimulator() as gateway:
        print(gateway.url)


@override_flags(new_checkout=True)
def test_with_a_flag() -> None:
    assert get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()


@override_flags({"new-checkout": {"button": "Buy"}})
async def test_with_a_flag_in_async_code(number: int) -> str:
    return str(number)


@override_flags(new_checkout=True)
class TestWithFlags(VWOTestMixin):
    def test_delivery(self) -> None:
        assert_type(self.vwo_simulator, VWOSimulator)
        self.vwo_simulator.set_flag("new_checkout", enabled=True)
        assert self.deliver_vwo_webhook().status_code == 200
        self.vwo_flags(new_checkout=False)
        with override_flags(new_checkout=True, banner={"text": "Hello"}):
            pass


def test_fixtures(
    vwo_simulator: VWOSimulator,
    vwo_flags: Callable[..., None],
) -> None:
    vwo_flags(new_checkout=True)
    vwo_simulator.set_flag("new_checkout", percentage=10)
    assert deliver_vwo_webhook(secret="wrong").status_code == 401


assert_type(test_with_a_flag(), None)
assert_type(TestWithFlags(), TestWithFlags)
install()
