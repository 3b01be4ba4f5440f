"""The one client of a process: it follows the settings in force, wherever it is used."""

import asyncio

import pytest
from django.db import transaction

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.follower import stop_following
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import configure, run_site, start_site, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

USER = {"id": "u"}


@pytest.fixture
def polls_often(settings):
    backend = "django_vwo_webhooks.broadcast.database.DatabaseBroadcast"
    configure(settings, BROADCAST={"BACKEND": backend, "OPTIONS": {"poll_seconds": 0.05}})


def enabled():
    return get_client().get_flag("new_checkout", USER).is_enabled()


def test_there_is_one_client_in_a_process(vwo, in_thread):
    seen = []
    for _ in range(8):
        in_thread(lambda: seen.append(get_client()))
    wait_until(lambda: len(seen) == 8)
    assert {id(client) for client in seen} == {id(get_client())}
    assert len(vwo.fetches) == 1


def test_a_process_that_finds_a_snapshot_does_not_ask_vwo(vwo):
    refresh_settings()
    vwo.misbehave(status=500)
    before = len(vwo.fetches)
    ran = run_site(
        "import time; from django_vwo_webhooks.client import get_client\n"
        "t = time.monotonic(); client = get_client()\n"
        "print(client.get_flag('new_checkout', {'id': 'u'}).get_variable('color'))\n"
        "print(time.monotonic() - t)"
    )
    color, seconds = ran.stdout.split()
    assert color == "red"
    # some milliseconds, against 14 s with the SDK's own start
    assert float(seconds) < 5
    assert len(vwo.fetches) == before


def test_without_any_snapshot_flags_are_off_until_the_next_webhook(vwo, deliver, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=0.5)
    vwo.misbehave(delay=20)
    kept = get_client()
    assert not kept.get_flag("new_checkout", USER).is_enabled()
    assert kept.get_flag("new_checkout", USER).get_variable("color", "none") == "none"
    vwo.behave()
    wait_until(lambda: deliver().status_code == 200)
    assert kept.get_flag("new_checkout", USER).is_enabled()
    assert get_client() is kept


def test_a_restored_database_may_have_other_settings_under_the_same_number(vwo, polls_often):
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    vwo.set_flag("new_checkout", enabled=True)
    assert refresh_settings().pk == get_client().snapshot_id
    assert enabled()
    first, second = SettingsSnapshot.objects.order_by("pk")
    SettingsSnapshot.objects.filter(pk=second.pk).update(
        settings=first.settings, digest=first.digest
    )
    RefreshLease.objects.update(digest=first.digest)
    wait_until(lambda: not enabled())


def test_a_restored_database_may_have_smaller_numbers(vwo, polls_often):
    refresh_settings()
    vwo.set_flag("new_checkout", enabled=False)
    newest = refresh_settings()
    assert not enabled()
    SettingsSnapshot.objects.filter(pk=newest.pk).delete()
    wait_until(enabled)


@pytest.mark.parametrize(
    "other", [{"SDK_KEY": "another-key-of-the-same-account"}, {"ENVIRONMENT": "staging"}]
)
def test_a_snapshot_of_another_key_is_not_applied(vwo, settings, other):
    refresh_settings()
    vwo.refuse()
    configure(settings, **other)
    ran = run_site(
        "from django_vwo_webhooks.client import get_client\n"
        "print(get_client().get_flag('new_checkout', {'id': 'u'}).is_enabled())"
    )
    assert ran.stdout == "False\n"


def test_the_client_follows_what_another_process_stored(vwo, polls_often):
    assert enabled()
    vwo.set_flag("new_checkout", enabled=False)
    ran = run_site("from django_vwo_webhooks.refresh import *; refresh_settings()")
    assert ran.returncode == 0, ran.stderr
    wait_until(lambda: not enabled())


def test_async_views_and_broken_transactions_can_ask_for_the_client(vwo):
    refresh_settings()

    async def view():
        return get_client().get_flag("new_checkout", USER).is_enabled()

    stop_following()
    assert asyncio.run(view())
    stop_following()
    with transaction.atomic():
        transaction.set_rollback(True)
        assert enabled()


def test_a_forked_child_follows_by_itself_with_the_same_object(vwo):
    """As gunicorn --preload has it: a flag evaluated before the fork, the client kept."""
    code = """
import os, time
from django.db import connections
from django_vwo_webhooks.client import get_client
client = get_client()
assert client.get_flag("new_checkout", {"id": "u"}).is_enabled()
connections.close_all()
child = os.fork()
if child == 0:
    assert client.get_flag("new_checkout", {"id": "u"}).is_enabled()
    print("forked", flush=True)
    while client.get_flag("new_checkout", {"id": "u"}).is_enabled():
        time.sleep(0.02)
    os._exit(7 if get_client() is client else 8)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    with start_site(code) as process:
        assert process.stdout.readline() == "forked\n", process.stderr.read()
        vwo.set_flag("new_checkout", enabled=False)
        refresh_settings()
        assert process.wait(timeout=20) == 7


def test_a_fork_at_any_moment_leaves_a_child_that_can_write(vwo, settings):
    """SQLite's inner locks are copied as they stand; the follower is in and out all the time."""
    backend = "django_vwo_webhooks.broadcast.database.DatabaseBroadcast"
    configure(settings, BROADCAST={"BACKEND": backend, "OPTIONS": {"poll_seconds": 0.0001}})
    ran = run_site(
        """
import os, signal
from django.db import connections
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import RefreshLease
get_client()
connections.close_all()
for _ in range(100):
    child = os.fork()
    if not child:
        signal.alarm(5)
        RefreshLease.objects.update(failures=0)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, "a child is stuck"
"""
    )
    assert ran.returncode == 0, ran.stderr
