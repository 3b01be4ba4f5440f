"""Which flags the site's code asks for: remembered, stored by the heartbeat, kept small."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.follower import heartbeat
from django_vwo_webhooks.follower.heartbeat import Heartbeat
from django_vwo_webhooks.models import Flag
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.sdk import asked_for
from django_vwo_webhooks.sdk.asked_for import asked_keys
from django_vwo_webhooks.testing import override_flags
from tests.conftest import run_site, use_broadcast, wait_until
from tests.management.conftest import run_command

pytestmark = pytest.mark.django_db(transaction=True)

USER = {"id": "user"}


def stored_keys():
    return sorted(Flag.objects.values_list("key", flat=True))


def test_a_process_stores_what_its_code_asks_for(vwo, quick):
    client = get_client()
    for key in ("new_checkout", "new_chekout", "new_checkout", 5, None, ["x"]):
        client.get_flag(key, USER)
    wait_until(lambda: stored_keys() == ["new_checkout", "new_chekout"])
    flag = Flag.objects.get(key="new_checkout")
    assert flag.first_asked_at == flag.last_asked_at
    assert abs(timezone.now() - flag.last_asked_at) < timedelta(minutes=1)


def test_an_evaluation_makes_no_statement(vwo):
    client = get_client()
    with CaptureQueriesContext(connection) as queries:
        client.get_flag("new_checkout", USER)
    assert len(queries) == 0
    assert "new_checkout" in asked_keys


def test_an_overridden_flag_is_not_asked_for(vwo):
    with override_flags(new_checkout=True):
        assert get_client().get_flag("new_checkout", USER).is_enabled()
    assert "new_checkout" not in asked_keys


def test_not_each_key_is_remembered(vwo, monkeypatch):
    monkeypatch.setattr(asked_for, "MOST_KEYS", 3)
    client = get_client()
    for number in range(10):
        client.get_flag(f"flag_{number}", USER)
    assert len(asked_keys) == 3


def due(beats):
    beats._due_at = 0
    return beats


def test_a_heartbeat_stores_a_key_once_and_is_silent_then(vwo):
    refresh_settings()
    now, beats = timezone.now(), due(Heartbeat())
    beats.write(now)
    with CaptureQueriesContext(connection) as at_rest:
        due(beats).write(now)
    asked_keys.add("new_checkout")
    with CaptureQueriesContext(connection) as queries:
        due(beats).write(now)
    assert stored_keys() == ["new_checkout"]
    about_flags = [query["sql"] for query in queries if "vwo_webhooks_flag" in query["sql"]]
    assert [sql.split()[0] for sql in about_flags] == ["SELECT", "INSERT"]
    with CaptureQueriesContext(connection) as queries:
        due(beats).write(now)
    assert len(queries) == len(at_rest)


def test_the_fleet_writes_a_key_once_a_day(vwo):
    now = timezone.now()
    keys = ["a", "b"]
    Flag.objects.note_asked(keys, now)
    with CaptureQueriesContext(connection) as queries:
        Flag.objects.note_asked(keys, now + timedelta(hours=23))
    assert len(queries) == 1, "another process of the fleet only looks"
    Flag.objects.note_asked(["a"], now + timedelta(hours=25))
    times = {flag.key: flag.last_asked_at - flag.first_asked_at for flag in Flag.objects.all()}
    assert times == {"a": timedelta(hours=25), "b": timedelta(0)}


def test_a_process_stores_again_after_a_day_what_is_still_asked_for(vwo, monkeypatch):
    monkeypatch.setattr(heartbeat, "FORGET_ASKED_SECONDS", 0)
    now, beats = timezone.now(), due(Heartbeat())
    asked_keys.update(["kept", "gone"])
    beats.write(now)
    assert not asked_keys
    asked_keys.add("kept")
    due(beats).write(now + timedelta(days=2))
    later = Flag.objects.filter(last_asked_at__gt=now)
    assert [flag.key for flag in later] == ["kept"]


@pytest.mark.parametrize(
    ("key", "stored"),
    [("naïve ☃", "na\\xefve \\u2603"), ("\0\ud800", "\\x00\\ud800"), ("x" * 300, "x" * 255)],
)
def test_any_key_can_be_stored(key, stored):
    Flag.objects.note_asked([key], timezone.now())
    Flag.objects.note_asked([key], timezone.now() + timedelta(days=2))
    assert stored_keys() == [stored]


def test_keys_that_differ_in_case_are_two():
    Flag.objects.note_asked(["Flag", "flag", "FLAG"], timezone.now())
    assert Flag.objects.count() == 3


def test_processes_that_store_the_same_keys_at_once_do_not_deadlock(in_thread):
    keys, now = [f"flag_{number}" for number in range(600)], timezone.now()
    failed = []

    def store(at, order):
        try:
            Flag.objects.note_asked(order, at)
        except Exception as error:
            failed.append(error)

    # SQLite lets one write at a time, and the others wait
    for at in (now, now + timedelta(days=2)):
        orders = [keys, keys[::-1]] * 2
        threads = [in_thread(lambda order=order, at=at: store(at, order)) for order in orders]
        for thread in threads:
            thread.join()
    assert failed == []
    assert Flag.objects.filter(last_asked_at=now + timedelta(days=2)).count() == 600


def test_without_a_thread_they_are_stored_when_a_request_starts(vwo, settings):
    use_broadcast(settings, "Database", thread=False, poll_seconds=0.05)
    get_client().get_flag("new_checkout", USER)

    def stored():
        Client().get("/nothing/")
        return stored_keys() == ["new_checkout"]

    wait_until(stored)


def test_a_forked_child_stores_what_it_asks_for(vwo, settings):
    use_broadcast(settings, "Database", poll_seconds=0.05)
    refresh_settings()
    ran = run_site(
        "import os, time\n"
        "from django_vwo_webhooks.client import get_client\n"
        "from django_vwo_webhooks.models import Flag\n"
        "client = get_client()\n"
        "client.get_flag('by_the_parent', {'id': 'u'})\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    client.get_flag('by_the_child', {'id': 'u'})\n"
        "    while not Flag.objects.filter(key='by_the_child').exists(): time.sleep(0.05)\n"
        "    os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
    )
    assert ran.returncode == 0, ran.stderr
    assert "by_the_child" in stored_keys()


@pytest.mark.parametrize("thread", [True, False])
def test_a_command_that_ends_soon_stores_what_it_asked_for(vwo, settings, thread):
    use_broadcast(settings, "Database", thread=thread)
    refresh_settings()
    ran = run_site(
        "from django_vwo_webhooks.client import get_client\n"
        "get_client().get_flag('by_the_nightly_job', {'id': 'u'})\n"
    )
    assert ran.returncode == 0, ran.stderr
    assert stored_keys() == ["by_the_nightly_job"]


def test_status_names_what_is_asked_for_and_not_at_vwo(vwo):
    refresh_settings()
    Flag.objects.note_asked(["new_checkout"], timezone.now())
    assert "Flags asked for, not at VWO: none" in run_command("vwo_status")
    Flag.objects.note_asked(["new_chekout"], timezone.now())
    Flag.objects.note_asked(["long_ago"], timezone.now() - timedelta(days=31))
    assert "Flags asked for, not at VWO: new_chekout\n" in run_command("vwo_status")
    report = json.loads(run_command("vwo_status", "--json"))
    assert report["flags"] == {"not_at_vwo": ["new_chekout"]}


def test_pruning_deletes_what_was_not_asked_for_in_that_time(vwo):
    now = timezone.now()
    Flag.objects.note_asked(["old"], now - timedelta(days=91))
    Flag.objects.note_asked(["new"], now)
    other = Flag.named("others")
    other.id, other.environment, other.last_asked_at = "x", "staging", now - timedelta(days=91)
    other.save(force_insert=True)
    assert "flags asked for: 1 would be deleted" in run_command("vwo_prune", "--dry-run")
    assert "flags asked for: 1 deleted" in run_command("vwo_prune")
    assert stored_keys() == ["new", "others"]
