"""What is in force is what this process's client runs."""

import pytest
from wingify.services.url_service import UrlService

from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.sdk import lifecycle

pytestmark = pytest.mark.django_db(transaction=True)


def color():
    flag = lifecycle.client().get_flag("new_checkout", {"id": "u"})
    return flag.get_variable("color")


@pytest.fixture
def red_then_green(vwo):
    """Two snapshots, of which the client runs the second."""
    snapshots = []
    for shade in ("red", "green"):
        vwo.set_flag("new_checkout", variables={"color": shade})
        snapshots.append(refresh_settings())
    assert color() == "green"
    return snapshots


def test_nothing_is_applied_where_nothing_is_in_force(vwo):
    assert lifecycle.apply_in_force() is None


def test_what_runs_already_is_not_applied_again(red_then_green):
    since = lifecycle.client().applied_at
    assert lifecycle.apply_in_force() is None
    assert lifecycle.client().applied_at == since


def test_a_smaller_number_is_applied_where_it_is_in_force(red_then_green):
    red, green = red_then_green
    green.delete()
    assert lifecycle.apply_in_force() == red
    assert color() == "red"
    assert lifecycle.client().snapshot_id == red.pk


def test_other_settings_under_the_same_number_are_applied(red_then_green):
    red, green = red_then_green
    SettingsSnapshot.objects.filter(pk=green.pk).update(settings=red.settings, digest=red.digest)
    assert lifecycle.apply_in_force() == green
    assert color() == "red"
    assert lifecycle.client().snapshot_digest == red.digest


def test_what_is_in_force_is_read_inside_the_lock(red_then_green, monkeypatch, in_thread):
    """A thread that waited for the lock applies what is in force then."""
    red, green = red_then_green
    applied = []
    with lifecycle._locks():
        thread = in_thread(lambda: applied.append(lifecycle.apply_in_force()))
        thread.join(0.1)
        green.delete()
    thread.join()
    assert applied == [red]


def test_a_client_that_was_built_from_what_is_not_in_force_is_not_used(red_then_green, vwo):
    red, green = red_then_green
    built = lifecycle.build(lifecycle.validate(vwo.settings))
    built.snapshot_id, built.snapshot_digest = green.pk, green.digest
    green.delete()
    assert lifecycle.apply_in_force(built) == red
    assert color() == "red"


def test_a_client_that_was_built_from_what_is_in_force_is_used(red_then_green, vwo, monkeypatch):
    _, green = red_then_green
    SettingsSnapshot.objects.filter(pk=green.pk).update(digest="another")
    built = lifecycle.build(lifecycle.validate(vwo.settings))
    built.snapshot_id, built.snapshot_digest = green.pk, "another"
    monkeypatch.delattr(lifecycle, "build")
    assert lifecycle.apply_in_force(built) == green
    assert lifecycle.client().snapshot_digest == "another"
    assert color() == "green"


def test_impressions_are_posted_where_the_settings_in_force_want_them(red_then_green, vwo):
    vwo.settings = {**vwo.settings, "collectionPrefix": "eu01"}
    refresh_settings()
    assert UrlService.get_endpoint_with_collection_prefix("/events/t") == "/eu01/events/t"
