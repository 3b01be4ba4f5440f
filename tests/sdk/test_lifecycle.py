"""What is in force is what this process's client runs."""

import sys
import threading

import pytest
from django.core.exceptions import ImproperlyConfigured
from wingify.services.settings_manager import SettingsManager
from wingify.services.url_service import UrlService

from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.sdk.services import OfflineBuilder
from django_vwo_webhooks.testing import build_settings, feature
from tests.conftest import configure
from tests.sdk.conftest import put_in_force, store

pytestmark = pytest.mark.django_db

USER = {"id": "u"}


def color():
    return lifecycle.client().get_flag("new_checkout", USER).get_variable("color")


@pytest.fixture
def red_then_green(vwo):
    """Two snapshots, of which the client runs the second."""
    snapshots = []
    for shade in ("red", "green"):
        vwo.set_flag("new_checkout", variables={"color": shade})
        snapshots.append(store(vwo.settings))
    assert lifecycle.apply_in_force() == snapshots[1]
    assert color() == "green"
    return snapshots


def test_nothing_is_applied_where_nothing_is_in_force(vwo):
    assert lifecycle.apply_in_force() is None


def test_what_runs_already_is_not_applied_again(red_then_green):
    since = lifecycle.client().applied_at
    assert lifecycle.apply_in_force() is None
    assert lifecycle.client().applied_at == since


def test_a_smaller_number_is_applied_where_it_is_in_force(red_then_green):
    red, _ = red_then_green
    put_in_force(red)
    assert lifecycle.apply_in_force() == red
    assert color() == "red"
    assert lifecycle.client().snapshot_id == red.pk


def test_other_settings_under_the_same_number_are_applied(red_then_green):
    red, green = red_then_green
    SettingsSnapshot.objects.filter(pk=green.pk).update(settings=red.settings, digest=red.digest)
    assert lifecycle.apply_in_force() == green
    assert color() == "red"
    assert lifecycle.client().snapshot_digest == red.digest


@pytest.mark.django_db(transaction=True)
def test_what_is_in_force_is_read_inside_the_lock(red_then_green, in_thread):
    """A thread that waited for the lock applies what is in force then."""
    red, _ = red_then_green
    applied = []
    with lifecycle._locks():
        thread = in_thread(lambda: applied.append(lifecycle.apply_in_force()))
        thread.join(0.1)
        put_in_force(red)
    thread.join()
    assert applied == [red]


class TestAClientThatWasBuiltBefore:
    @pytest.fixture
    def built(self, vwo):
        return lifecycle.build(lifecycle.validate(vwo.settings))

    def test_is_used_where_its_snapshot_is_in_force(self, red_then_green, built, monkeypatch):
        _, green = red_then_green
        SettingsSnapshot.objects.filter(pk=green.pk).update(digest="another")
        built.snapshot_id, built.snapshot_digest = green.pk, "another"
        monkeypatch.delattr(lifecycle, "build")
        assert lifecycle.apply_in_force(built) == green
        assert lifecycle.client().snapshot_digest == "another"
        assert color() == "green"

    def test_is_not_used_where_another_one_is(self, red_then_green, built):
        red, green = red_then_green
        built.snapshot_id, built.snapshot_digest = green.pk, green.digest
        put_in_force(red)
        assert lifecycle.apply_in_force(built) == red
        assert color() == "red"

    def test_is_not_used_where_the_same_number_has_other_settings(self, red_then_green, built):
        red, green = red_then_green
        built.snapshot_id, built.snapshot_digest = green.pk, green.digest
        SettingsSnapshot.objects.filter(pk=green.pk).update(
            settings=red.settings, digest=red.digest
        )
        assert lifecycle.apply_in_force(built) == green
        assert color() == "red"


def test_no_thread_ever_sees_half_built_settings(vwo):
    """100 features, two threads evaluating, settings that change 30 times."""
    documents = [
        build_settings(*(feature(f"flag_{i}", variables={"color": color}) for i in range(100)))
        for color in ("red", "green")
    ]
    validated = [lifecycle.validate(document) for document in documents]
    store(documents[0])
    lifecycle.apply_in_force()
    client = lifecycle.client()
    seen, stop = [], threading.Event()

    def evaluate():
        while not stop.is_set():
            flag = client.get_flag("flag_57", USER)
            seen.append((flag.is_enabled(), flag.get_variable("color")))

    threads = [threading.Thread(target=evaluate) for _ in range(2)]
    for thread in threads:
        thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that a half-built state would be seen
    try:
        for number in range(1, 31):
            snapshot = store(documents[number % 2])
            built = None
            if number % 3:
                # as in the process that fetched; the others build from the snapshot
                built = lifecycle.build(validated[number % 2])
                built.snapshot_id, built.snapshot_digest = snapshot.pk, snapshot.digest
            assert lifecycle.apply_in_force(built) == snapshot
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        for thread in threads:
            thread.join()
    assert SettingsSnapshot.objects.count() == 31
    assert set(seen) == {(True, "red"), (True, "green")}


def test_impressions_are_posted_where_the_settings_in_force_want_them(vwo):
    store({**vwo.settings, "collectionPrefix": "eu01"})
    lifecycle.apply_in_force()
    assert UrlService.get_endpoint_with_collection_prefix("/events/t") == "/eu01/events/t"


def test_a_client_that_the_sdk_does_not_make_is_an_error_that_says_so(settings):
    class Storage:
        def get(self, feature_key, user_id): ...

        def set(self, data): ...

        def __bool__(self):
            raise ZeroDivisionError

    configure(settings, SDK_OPTIONS={"storage": Storage()})
    with pytest.raises(ImproperlyConfigured, match="SDK_OPTIONS"):
        lifecycle.client()


def test_a_client_that_could_not_be_fitted_out_is_fitted_out_anew_on_the_way_back(
    client, settings, monkeypatch
):
    """The SDK may have replaced some of its services before it failed."""
    host, before = SettingsManager.get_instance().hostname, settings.VWO_WEBHOOKS
    with monkeypatch.context() as broken:
        broken.setattr(OfflineBuilder, "set_storage", lambda self: 1 / 0)
        configure(settings, SDK_OPTIONS={"proxy_url": "http://127.0.0.1:9"})
        with pytest.raises(ImproperlyConfigured):
            lifecycle.client()
    assert SettingsManager.get_instance().hostname == "127.0.0.1:9"
    settings.VWO_WEBHOOKS = before
    assert lifecycle.client() is client
    assert SettingsManager.get_instance().hostname == host
    assert client.get_flag("new_checkout", USER).is_enabled()


def test_impressions_are_posted_as_before_with_other_options(client, settings, vwo):
    store({**vwo.settings, "collectionPrefix": "eu01"})
    lifecycle.apply_in_force()
    configure(settings, SDK_OPTIONS={"proxy_url": "http://127.0.0.1:9"})
    assert lifecycle.client() is client
    assert UrlService.get_endpoint_with_collection_prefix("/events/t") == "/eu01/events/t"


def test_settings_that_were_built_with_other_options_do_not_bring_those_back(client, settings, vwo):
    vwo.set_flag("new_checkout", variables={"color": "green"})
    snapshot, built = store(vwo.settings), lifecycle.build(lifecycle.validate(vwo.settings))
    built.snapshot_id, built.snapshot_digest = snapshot.pk, snapshot.digest
    configure(settings, SDK_OPTIONS={"proxy_url": "http://127.0.0.1:9"})
    assert lifecycle.apply_in_force(built) == snapshot
    assert color() == "green"
    assert client.options["proxy_url"] == "http://127.0.0.1:9"
