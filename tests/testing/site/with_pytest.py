"""The tests of a site, for pytest; ``test_kit.py`` runs them."""

import threading

import pytest
import requests
from django.test import override_settings

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import FleetProcess, RefreshLease, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature, override_flags

ON = {"enabled": True, "variables": {"button": "Buy now"}}

kept = get_client()
"""As a module of a site keeps it."""


def page(client):
    return client.get("/").content.decode()


def names_of_threads():
    return {thread.name for thread in threading.enumerate()}


def assert_nothing_happened():
    assert not [name for name in names_of_threads() if name.startswith("vwo")]


def test_without_the_database_a_flag_is_off(client):
    assert page(client) == "off"
    assert not kept.get_flag("new_checkout", {"id": "ada"}).is_enabled()
    assert kept.track_event("page_seen", {"id": "ada"}) == {"page_seen": False}
    assert_nothing_happened()


def test_with_the_database_it_is_off_too(client, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert page(client) == "off"
    assert_nothing_happened()


@pytest.mark.django_db(transaction=True)
def test_and_with_transactions(client):
    assert page(client) == "off"
    assert not FleetProcess.objects.exists()
    assert not RefreshLease.objects.exists()
    assert_nothing_happened()


@override_flags(new_checkout={"button": "Buy now"})
def test_a_flag_is_overridden(client):
    assert page(client) == "Buy now"
    assert_nothing_happened()


def test_a_flag_is_overridden_by_the_fixture(client, vwo_flags):
    vwo_flags(new_checkout=True)
    assert page(client) == "Buy"
    vwo_flags({"new_checkout": {"button": "Buy now"}})
    assert page(client) == "Buy now"


def test_the_override_has_ended(client):
    assert page(client) == "off"


def test_a_delivery_without_a_simulator_says_what_to_use(db, deliver_vwo_webhook):
    answer = deliver_vwo_webhook()
    assert answer.status_code == 503
    assert "vwo_simulator" in answer.json()["message"]


def test_a_wrong_secret_is_refused(db, deliver_vwo_webhook):
    assert deliver_vwo_webhook(secret="wrong").status_code == 401


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_delivery_with_a_simulator(db, client, vwo_simulator, deliver_vwo_webhook, time):
    assert page(client) == "off"
    vwo_simulator.set_flag("new_checkout", **ON)
    assert page(client) == "off"
    assert deliver_vwo_webhook(action="by hand").status_code == 200
    assert page(client) == "Buy now"
    assert WebhookEvent.objects.get().action == "by hand"


def test_the_simulator_is_forgotten(client, db):
    assert page(client) == "off"
    assert_nothing_happened()


@pytest.mark.django_db(transaction=True)
def test_a_webhook_to_a_live_server(live_server, vwo_simulator):
    assert requests.get(live_server.url, timeout=10).text == "off"
    vwo_simulator.webhook_url = f"{live_server.url}/webhooks/vwo/"
    assert vwo_simulator.set_flag("new_checkout", **ON).wait(10)
    assert requests.get(live_server.url, timeout=10).text == "Buy now"


@pytest.mark.django_db(transaction=True)
def test_a_simulator_without_the_fixture_with_a_thread(client, settings):
    with VWOSimulator(build_settings(feature("new_checkout"))) as vwo:
        settings.VWO_WEBHOOKS = {**settings.VWO_WEBHOOKS, **vwo.site_settings}
        refresh_settings()
        assert page(client) == "Buy"
        assert "vwo-follower" in names_of_threads()
    assert_nothing_happened()


@pytest.mark.django_db(transaction=True)
def test_impressions_are_not_left_behind(client, settings):
    with VWOSimulator(build_settings(feature("new_checkout"))) as vwo:
        with override_settings(VWO_WEBHOOKS={**settings.VWO_WEBHOOKS, **vwo.site_settings}):
            refresh_settings()
            assert page(client) == "Buy"
        assert page(client) == "off"
    assert_nothing_happened()
