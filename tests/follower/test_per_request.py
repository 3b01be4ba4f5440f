"""Without threads: a check when a request starts."""

import asyncio
import threading

import pytest
from django.core.signals import request_started
from django.db import connection, transaction

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.follower import ensure_following, stop_following
from django_vwo_webhooks.models import FleetProcess, SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.status import fleet_status
from tests.conftest import run_site, use_broadcast, wait_until
from tests.follower.flags import enabled

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def without_threads(settings):
    use_broadcast(settings, "Database", thread=False, poll_seconds=0.2)


def test_the_first_check_is_not_part_of_the_sites_transaction(vwo):
    with transaction.atomic():
        assert enabled()
        transaction.set_rollback(True)
    assert SettingsSnapshot.objects.count() == 1
    assert fleet_status().state == "fresh"


def test_a_check_happens_when_a_request_starts(vwo):
    assert enabled()
    assert "vwo-follower" not in [thread.name for thread in threading.enumerate()]
    vwo.set_flag("new_checkout", enabled=False)
    ran = run_site("from django_vwo_webhooks.refresh import *; refresh_settings()")
    assert ran.returncode == 0, ran.stderr
    assert enabled(), "nothing is checked without a request"

    def a_request_comes():
        request_started.send(sender=None)
        return not enabled()

    wait_until(a_request_comes)


def test_threads_that_ask_at_the_same_time_wait_for_the_first_check(vwo, in_thread):
    vwo.misbehave(delay=0.5)
    answers = []
    threads = [in_thread(lambda: answers.append(enabled())) for _ in range(4)]
    for thread in threads:
        thread.join()
    assert answers == [True] * 4


def test_it_reports_what_it_runs_until_it_stops(vwo):
    newest = refresh_settings()
    ensure_following()

    def a_request_comes():
        request_started.send(sender=None)
        return FleetProcess.objects.filter(snapshot=newest)

    wait_until(a_request_comes)
    stop_following()
    request_started.send(sender=None)
    assert not FleetProcess.objects.exists()


def test_a_check_that_fails_breaks_no_request(vwo, caplog):
    assert enabled()
    refresh_settings()

    def a_request_comes():
        request_started.send(sender=None)

    rename = "ALTER TABLE {} RENAME TO {}"
    table = "django_vwo_webhooks_refreshlease"
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, "away"))
    try:
        wait_until(lambda: [a_request_comes(), "Failed: following" in caplog.text][1])
        assert enabled()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(rename.format("away", table))
    wait_until(lambda: [a_request_comes(), "Recovered: following" in caplog.text][1])


def test_a_forked_child_checks_by_itself(vwo):
    refresh_settings()
    ran = run_site(
        """
import os, signal
from django.core.signals import request_started
from django.db import connections
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.follower import _follower
client = get_client()
connections.close_all()
parents = _follower()
child = os.fork()
if not child:
    signal.alarm(20)
    request_started.send(sender=None)
    assert _follower.peek() is None, "a child that asks for no flag follows nothing"
    assert client.get_flag("new_checkout", {"id": "u"}).is_enabled()
    os._exit(7 if _follower.peek() not in (None, parents) else 8)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    )
    assert ran.returncode == 0, ran.stderr


def test_its_client_works_in_an_event_loop(vwo):
    refresh_settings()

    async def view():
        return get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()

    assert asyncio.run(view())
