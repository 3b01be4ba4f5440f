"""One thread follows the settings, whatever becomes of the database and of the broadcast."""

import time

import pytest
from django.db import connection

from django_vwo_webhooks.follower import ensure_following
from django_vwo_webhooks.follower.thread import IDLE_CONNECTION_SECONDS
from django_vwo_webhooks.models import FleetProcess, SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import configure, run_site, use_broadcast, wait_until
from tests.follower.flags import enabled

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_follower_survives_the_database(vwo, caplog, quick):
    assert enabled()
    rename = "ALTER TABLE {} RENAME TO {}"
    table = "django_vwo_webhooks_refreshlease"
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, "away"))
    wait_until(lambda: "Failed: following VWO's settings" in caplog.text)
    with connection.cursor() as cursor:
        cursor.execute(rename.format("away", table))
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    SettingsSnapshot.objects.update(digest="")
    wait_until(lambda: "Recovered: following VWO's settings" in caplog.text)
    assert not enabled()
    assert caplog.text.count("Failed: following VWO's settings") == 1


def test_a_broadcast_that_is_broken_costs_no_update(vwo, settings, caplog):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.Broken"})
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    ran = run_site(
        "from django_vwo_webhooks.refresh import *; refresh_settings()",
    )
    assert ran.returncode == 0, ran.stderr
    wait_until(lambda: not enabled())
    wait_until(lambda: "Failed: listening for changes" in caplog.text)
    assert caplog.text.count("Failed: listening for changes") == 1


def test_a_broadcast_that_hangs_does_not_delay_the_first_check(vwo, settings):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.Hanging"})
    refresh_settings()
    started = time.monotonic()
    assert enabled()
    # its listen returns after 30 s
    assert time.monotonic() - started < 5


def test_what_changed_before_the_subscription_is_found_at_once(vwo, settings):
    backend = "tests.broadcast.backends.ChangesWhileSubscribing"
    options = {"poll_seconds": 60}
    configure(settings, BROADCAST={"BACKEND": backend, "OPTIONS": options})
    refresh_settings()
    vwo.set_flag("new_checkout", enabled=False)
    ensure_following()
    wait_until(lambda: SettingsSnapshot.objects.count() == 2)
    wait_until(lambda: not enabled())


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL lists connections")
def test_while_a_broadcast_pushes_no_connection_is_held_at_rest(vwo, settings):
    use_broadcast(settings, "Local")
    before = connected()
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    wait_until(lambda: FleetProcess.objects.filter(snapshot=SettingsSnapshot.objects.in_force()))
    assert connected() > before, "changes rarely come alone"
    wait_until(lambda: connected() == before, 2 * IDLE_CONNECTION_SECONDS)


def connected():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_with_a_broadcast_that_pushes_the_reconcile_comes_in_time(vwo, settings):
    use_broadcast(settings, "Local")
    configure(settings, RECONCILE_SECONDS=3)
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    wait_until(lambda: not enabled(), 10)
