"""The one client of a process: it follows the settings in force, wherever it is used."""

import asyncio
import copy
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import override_settings
from wingify.services.settings_manager import SettingsManager

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.follower import stop_following
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature
from tests.conftest import configure, run_site, start_site, use_broadcast, wait_until

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


@pytest.mark.slow
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


class TestSettingsThatChangeInALivingProcess:
    """As tests change them. Nobody polls, so that only the change itself can be noticed."""

    @pytest.fixture(autouse=True, params=[True, False], ids=["thread", "per request"])
    def client(self, request, settings, vwo):
        use_broadcast(settings, "Database", poll_seconds=60, thread=request.param)
        refresh_settings()
        assert enabled()
        vwo.refuse()
        return get_client()

    @pytest.fixture(params=["override_settings", "settings", "monkeypatch", "setitem", "nested"])
    def change(self, request, settings, monkeypatch):
        """Changes one option, in each way that tests use; returns what takes it back."""
        options = {"proxy_url": "http://127.0.0.1:9"}
        before = settings.VWO_WEBHOOKS
        changed = {**before, "SDK_OPTIONS": options}

        def change():
            if request.param == "override_settings":
                override = override_settings(VWO_WEBHOOKS=changed)
                override.enable()
                return override.disable
            if request.param == "settings":
                settings.VWO_WEBHOOKS = changed
                return lambda: setattr(settings, "VWO_WEBHOOKS", before)
            if request.param == "monkeypatch":
                monkeypatch.setattr("django.conf.settings.VWO_WEBHOOKS", changed)
            elif request.param == "setitem":
                monkeypatch.setitem(before, "SDK_OPTIONS", options)
            else:
                monkeypatch.setitem(before["SDK_OPTIONS"], "proxy_url", options["proxy_url"])
            return monkeypatch.undo

        return change

    def address(self):
        """Where the SDK's requests go."""
        return SettingsManager.get_instance().hostname

    @pytest.mark.parametrize("ask", [get_client, None], ids=["asked again", "kept"])
    def test_flags_are_as_before_with_other_options_and_on_the_way_back(self, client, change, ask):
        if ask is None:
            ask = lambda: client  # noqa: E731
        before, since = self.address(), client.applied_at
        take_back = change()
        assert ask().get_flag("new_checkout", USER).get_variable("color") == "red"
        assert ask() is client
        assert self.address() == "127.0.0.1:9"
        take_back()
        assert ask().get_flag("new_checkout", USER).get_variable("color") == "red"
        assert self.address() == before
        assert client.applied_at == since

    @pytest.fixture
    def staging(self, settings, client):
        """Another account of VWO's, and the settings for it."""
        flags = build_settings(
            feature("new_checkout", variables={"color": "blue"}), account_id="7", sdk_key="staging"
        )
        with VWOSimulator(flags, account_id="7", sdk_key="staging", secret="s" * 16) as simulator:
            yield {
                **settings.VWO_WEBHOOKS,
                "ACCOUNT_ID": "7",
                "SDK_KEY": "staging",
                "SDK_OPTIONS": {"proxy_url": simulator.url},
            }

    def test_another_account_has_its_own_flags_at_once_and_so_has_the_first_on_the_way_back(
        self, client, staging
    ):
        for _ in range(2):
            with override_settings(VWO_WEBHOOKS=staging):
                assert client.get_flag("new_checkout", USER).get_variable("color") == "blue"
            assert client.get_flag("new_checkout", USER).get_variable("color") == "red"
        assert SettingsSnapshot.objects.count() == 2

    def test_another_environment_has_its_own_flags_at_once(self, client, settings):
        with override_settings(VWO_WEBHOOKS={**settings.VWO_WEBHOOKS, "ENVIRONMENT": "staging"}):
            # VWO refuses, so there are none
            assert not client.get_flag("new_checkout", USER).is_enabled()
        assert client.get_flag("new_checkout", USER).is_enabled()

    def test_settings_that_are_wrong_are_an_error_until_they_are_right_again(
        self, client, settings
    ):
        for wrong in (
            None,
            "text",
            {},
            {**settings.VWO_WEBHOOKS, "SDK_KEY": ""},
            {**settings.VWO_WEBHOOKS, "SDK_OPTIONS": []},
        ):
            before = self.address()
            with override_settings(VWO_WEBHOOKS=wrong):
                for _ in range(2):
                    with pytest.raises(ImproperlyConfigured):
                        get_client()
                    # no evaluation of a client that is kept fails for that
                    assert client.get_flag("new_checkout", USER).is_enabled()
            assert client.get_flag("new_checkout", USER).is_enabled()
            assert self.address() == before

    def test_other_keys_change_nothing_about_the_client(self, client, settings):
        made_from, since = client.made_from, client.applied_at
        with override_settings(VWO_WEBHOOKS={**settings.VWO_WEBHOOKS, "RECONCILE_SECONDS": 5}):
            assert enabled()
        assert client.made_from is made_from
        assert client.applied_at == since

    def test_the_texts_of_log_lines_are_never_away(self, client, settings):
        """An evaluation that does not find one fails, and so the flag would be off."""
        from wingify.utils.log_message_util import debug_messages

        debug_messages["OURS"] = "lost where the SDK empties them to load them again"
        try:
            configure(settings, SDK_OPTIONS={"proxy_url": "http://127.0.0.1:1"})
            get_client()
            assert "OURS" in debug_messages
        finally:
            debug_messages.pop("OURS", None)

    def test_no_thread_sees_a_gap(self, client, settings, in_thread):
        seen, stop = [], []
        changed = copy.deepcopy(settings.VWO_WEBHOOKS)
        changed["SDK_OPTIONS"]["isDevelopmentMode"] = True

        def evaluate():
            while not stop:
                seen.append(client.get_flag("new_checkout", USER).get_variable("color"))

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)  # so that a half-made client would be seen
        threads = [in_thread(evaluate) for _ in range(2)]
        try:
            for _ in range(10):
                with override_settings(VWO_WEBHOOKS=changed):
                    get_client()
                get_client()
        finally:
            stop.append(1)
            for thread in threads:
                thread.join()
            sys.setswitchinterval(interval)
        assert set(seen) == {"red"}
