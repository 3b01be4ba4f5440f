"""Refused deliveries: counted in memory, written with the heartbeat, shown, and cleared."""

import json
import logging
import threading
from datetime import timedelta

import pytest
from django.core.signals import request_started
from django.test import RequestFactory
from django.utils import timezone

from django_vwo_webhooks import refusals as module
from django_vwo_webhooks.follower import _follower, ensure_following, thread
from django_vwo_webhooks.models import FleetProcess, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.refusals import refusals
from django_vwo_webhooks.status import fleet_status
from tests.admin.conftest import EVENTS, event_at, page, process
from tests.conftest import configure, run_site, use_broadcast, wait_until
from tests.management.conftest import run_command

QUESTION = "is the secret right?"


def lines(caplog):
    return [r.getMessage() for r in caplog.records if r.name == "django_vwo_webhooks"]


def refuse(deliver, times=1):
    for _ in range(times):
        assert deliver(secret="wrong").status_code == 401


def test_they_are_counted_and_logged_once(deliver, caplog, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        refuse(deliver, 3)
    refused = refusals().refused
    assert (refused.count, refused.remote_addr) == (3, "127.0.0.1")
    assert refused.first_at < refused.last_at
    assert len(caplog.records) == 1, "Django logs none either"


def test_another_line_says_how_many_after_some_time(deliver, caplog, monkeypatch):
    refuse(deliver, 2)
    monkeypatch.setattr(module, "LOG_AGAIN_SECONDS", 0)
    refuse(deliver)
    assert lines(caplog)[1:] == [
        "A webhook from 127.0.0.1 was refused, mismatch: The header x-vwo-auth does not match. "
        "3 in the last 0 s."
    ]


def test_each_reason_is_logged_up_to_a_number_of_them(caplog):
    for number in range(100):
        refusals().add("mismatch", f"reason {number}", None)
    assert len(lines(caplog)) == module.MAX_REASONS + 1
    assert refusals().refused.count == 100


@pytest.mark.django_db(transaction=True)
def test_an_accepted_delivery_clears_them(vwo, deliver, caplog):
    refuse(deliver, 2)
    vwo.misbehave(status=500)
    assert deliver().status_code == 503, "its secret was right"
    assert refusals().refused.count == 0
    assert "A webhook was accepted, after 2 were refused." in lines(caplog)
    refuse(deliver)
    assert [line for line in lines(caplog) if "was refused, mismatch" in line][1:]


def test_what_is_refused_meanwhile_is_not_forgotten():
    refusals().add("mismatch", "a reason", None)
    before = refusals().refused
    refusals().add("mismatch", "a reason", None)
    refusals().forget(before)
    assert refusals().refused.count == 2


def test_many_threads_count_each_and_log_once(caplog, in_thread):
    together = threading.Barrier(8)

    def add():
        together.wait(10)
        for _ in range(100):
            refusals().add("mismatch", "a reason", None)

    threads = [in_thread(add) for _ in range(8)]
    for each in threads:
        each.join()
    assert refusals().refused.count == 800
    assert len(lines(caplog)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_process_that_has_used_no_flag_reports_them(vwo, deliver, quick, monkeypatch):
    refresh_settings()
    monkeypatch.setattr(thread, "START_DELAY_SECONDS", 0)
    refuse(deliver, 2)
    wait_until(lambda: fleet_status().refused.count == 2)
    text = run_command("vwo_status")
    since = f"{fleet_status().refused.since:%Y-%m-%d %H:%M:%S UTC}"
    assert f"Refused webhooks: 2 since {since}, the last one from 127.0.0.1: {QUESTION}" in text
    report = json.loads(run_command("vwo_status", "--json"))
    assert report["refused"]["deliveries"] == report["processes"][0]["refused"] == 2
    assert report["refused"]["remote_addr"] == "127.0.0.1"
    deliver()
    assert fleet_status().refused.count == 0, "at once"
    wait_until(lambda: FleetProcess.objects.get().refused == 0)
    assert "Refused webhooks: none" in run_command("vwo_status")


def test_a_refused_delivery_uses_no_database_until_the_follower_is_wanted(deliver):
    """This test may not use it, and the thread would log its failure."""
    refuse(deliver)
    [follower] = [one for one in threading.enumerate() if one.name == "vwo-follower"]
    assert follower.is_alive()


@pytest.mark.django_db(transaction=True)
def test_a_flag_does_not_wait_for_a_thread_that_begins_later(vwo, deliver, monkeypatch):
    monkeypatch.setattr(thread, "START_DELAY_SECONDS", 3600)
    refuse(deliver)
    ensure_following()
    wait_until(FleetProcess.objects.exists)


@pytest.mark.django_db(transaction=True)
def test_without_threads_the_next_other_request_reports_them(
    vwo, deliver, settings, django_assert_num_queries
):
    use_broadcast(settings, "Database", thread=False, poll_seconds=0.01)
    refresh_settings()
    with django_assert_num_queries(0):
        refuse(deliver, 20)
    assert "vwo-follower" not in [one.name for one in threading.enumerate()]

    def another_request():
        request_started.send(sender=None, environ=RequestFactory().get("/").environ)
        return fleet_status().refused.count == 20

    wait_until(another_request)
    with django_assert_num_queries(0):
        refuse(deliver)
        scope = {"type": "http", "path": "/webhooks/vwo/"}
        request_started.send(sender=None, scope=scope)


@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_another_process_accepted_clears_them(vwo, deliver, quick):
    refuse(deliver)
    ensure_following()
    wait_until(lambda: fleet_status().refused.count == 1)
    ran = run_site(
        "from tests.conftest import *\n"
        "assert Client().post('/webhooks/vwo/', json.dumps(PAYLOAD), 'application/json', headers={"
        "'x-vwo-auth': site.VWO_WEBHOOKS['SECRET']}).status_code == 200"
    )
    assert ran.returncode == 0, ran.stderr
    assert fleet_status().refused.count == 0
    _follower()._heartbeat._due_at = 0
    wait_until(lambda: refusals().refused.count == 0)


@pytest.mark.django_db
def test_processes_are_added_up_since_the_last_accepted_delivery():
    now = timezone.now()
    ago = lambda minutes: now - timedelta(minutes=minutes)  # noqa: E731
    event_at(ago(50), last_received_at=ago(10))
    for count, since, last in ((12, 60, 30), (3, 9, 2), (4, 5, 1)):
        process(
            None,
            refused=count,
            refused_since=ago(since),
            refused_last_at=ago(last),
            refused_addr=f"10.0.0.{count}",
        )
    refused = fleet_status().refused
    assert (refused.count, refused.since) == (7, ago(9))
    assert (refused.last_at, refused.remote_addr) == (ago(1), "10.0.0.4")
    WebhookEvent.objects.update(last_received_at=now)
    assert fleet_status().refused.count == 0


@pytest.mark.django_db
def test_the_list_of_events_asks_whether_the_secret_is_right(admin_client):
    assert QUESTION not in page(admin_client, EVENTS)
    now = timezone.now()
    refused = {"refused_since": now, "refused_last_at": now, "refused_addr": "10.0.0.7"}
    process(None, refused=1, **refused)
    since = f"{now:%Y-%m-%d %H:%M:%S}"
    text = page(admin_client, EVENTS)
    assert f"1 delivery refused since {since}: {QUESTION} The last one came from 10.0.0.7." in text
    process(None, refused=11, **{**refused, "refused_addr": None})
    assert f"12 deliveries refused since {since}: {QUESTION}" in page(admin_client, EVENTS)


@pytest.mark.django_db(transaction=True)
def test_the_address_is_kept_nowhere_unless_the_site_wants_it(vwo, deliver, settings, caplog):
    configure(settings, STORE_REMOTE_ADDR=False)
    with caplog.at_level(logging.DEBUG):
        refuse(deliver)
        assert deliver().status_code == 200
    assert WebhookEvent.objects.get().remote_addr is None
    assert refusals().refused.remote_addr is None
    [line] = [line for line in lines(caplog) if "refused, " in line]
    assert line == "A webhook was refused, mismatch: The header x-vwo-auth does not match."
    assert not [line for line in lines(caplog) if "testclient" in line]


@pytest.mark.django_db(transaction=True)
def test_they_are_forgotten_a_day_after_the_last_one(vwo, quick, monkeypatch):
    refusals().add("mismatch", "a reason", None)
    monkeypatch.setattr(module, "FORGET_AFTER_SECONDS", 0)
    ensure_following()
    wait_until(lambda: refusals().refused.count == 0)
