"""One check of the database: what it applies, and when it has VWO asked."""

import contextlib

import pytest

from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot
from django_vwo_webhooks.models.clock import UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.status import fleet_status
from tests.conftest import configure, start_site, wait_until
from tests.follower.flags import enabled

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_fetch_a_change_for_the_whole_fleet(vwo, quick):
    enabled()
    code = """
import time
from django_vwo_webhooks.client import get_client
client = get_client()
print("up", flush=True)
while client.get_flag("new_checkout", {"id": "u"}).is_enabled(): time.sleep(0.01)
"""
    with start_site(code) as one, start_site(code) as two:
        assert [one.stdout.readline(), two.stdout.readline()] == ["up\n", "up\n"]
        before = len(vwo.fetches)
        vwo.set_flag("new_checkout", enabled=False)
        refresh_settings()
        assert one.wait(10) == two.wait(10) == 0
    assert len(vwo.fetches) == before + 1


def test_a_cold_start_of_many_asks_vwo_once(vwo, quick):
    vwo.misbehave(delay=0.5)
    code = """
from django_vwo_webhooks.client import get_client
assert get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()
"""
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(start_site(code)) for _ in range(4)]
        assert [process.wait(30) for process in processes] == [0] * 4
    assert len(vwo.fetches) == 1


def test_a_change_without_a_webhook_is_found_once(vwo, settings, quick):
    configure(settings, RECONCILE_SECONDS=1)
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    wait_until(lambda: not enabled())
    newest = SettingsSnapshot.objects.in_force()
    assert newest.cause == "reconcile"
    assert SettingsSnapshot.objects.count() == 2


def test_a_reconcile_finishes_rows_that_were_left_behind(vwo, deliver, settings):
    vwo.misbehave(status=500)
    deliver()
    vwo.behave()
    RefreshLease.objects.update(backoff_until=0)
    enabled()
    snapshot = SettingsSnapshot.objects.in_force()
    assert snapshot.cause == "webhook"
    assert snapshot.events.get().outcome == "changed"


def test_a_reconcile_comes_though_the_databases_clock_was_set_back(vwo, settings, quick):
    configure(settings, RECONCILE_SECONDS=100)
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    RefreshLease.objects.update(refreshed_at=UnixNow() + 86400)
    assert fleet_status().state == "stale"
    wait_until(lambda: not enabled())
    assert fleet_status().state == "fresh"
