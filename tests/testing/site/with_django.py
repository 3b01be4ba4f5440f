"""The tests of a site, for Django's runner; ``test_kit.py`` runs them."""

import threading

import requests
from django.test import (
    LiveServerTestCase,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
    override_settings,
)

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import FleetProcess, RefreshLease, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.testing import (
    VWOSimulator,
    VWOTestMixin,
    build_settings,
    feature,
    override_flags,
)

ON = {"enabled": True, "variables": {"button": "Buy now"}}


class SiteMixin:
    def page(self):
        return self.client.get("/").content.decode()

    def check_that_nothing_runs(self):
        names = {thread.name for thread in threading.enumerate()}
        self.assertFalse({name for name in names if name.startswith("vwo")})


class WithoutADatabaseTests(SiteMixin, SimpleTestCase):
    def test_a_flag_is_off(self):
        self.assertEqual(self.page(), "off")
        tracked = get_client().track_event("page_seen", {"id": "ada"})
        self.assertEqual(tracked, {"page_seen": False})
        self.check_that_nothing_runs()

    @override_flags(new_checkout={"button": "Buy now"})
    def test_a_flag_is_overridden(self):
        self.assertEqual(self.page(), "Buy now")


class WithADatabaseTests(VWOTestMixin, SiteMixin, TestCase):
    def test_a_flag_is_off(self):
        with self.assertNumQueries(0):
            self.assertEqual(self.page(), "off")
        self.check_that_nothing_runs()

    def test_a_flag_is_overridden(self):
        self.vwo_flags(new_checkout={"button": "Buy now"})
        self.assertEqual(self.page(), "Buy now")

    def test_a_delivery_without_a_simulator_says_what_to_use(self):
        with self.assertLogs("django_vwo_webhooks", "WARNING"):
            answer = self.deliver_vwo_webhook()
        self.assertContains(answer, "vwo_simulator", status_code=503)

    def test_a_delivery_with_a_simulator(self):
        self.vwo_simulator.set_flag("new_checkout", **ON)
        self.assertEqual(self.deliver_vwo_webhook(action="by hand").status_code, 200)
        self.assertEqual(self.page(), "Buy now")
        self.assertEqual(WebhookEvent.objects.get().action, "by hand")

    def test_it_is_off_after_that(self):
        self.assertEqual(self.page(), "off")


class WithTransactionsTests(SiteMixin, TransactionTestCase):
    def test_nothing_is_written(self):
        self.assertEqual(self.page(), "off")
        self.assertFalse(FleetProcess.objects.exists() or RefreshLease.objects.exists())

    def test_a_simulator_without_the_mixin(self):
        site = {"BROADCAST": {"OPTIONS": {"thread": False}}}
        with VWOSimulator(build_settings(feature("new_checkout"))) as vwo:
            with override_settings(VWO_WEBHOOKS={**vwo.site_settings, **site}):
                refresh_settings()
                self.assertEqual(self.page(), "Buy")
            self.assertEqual(self.page(), "off")
        self.check_that_nothing_runs()


class LiveTests(VWOTestMixin, SiteMixin, LiveServerTestCase):
    def test_a_webhook_to_a_live_server(self):
        self.assertEqual(requests.get(self.live_server_url, timeout=10).text, "off")
        self.vwo_simulator.webhook_url = f"{self.live_server_url}/webhooks/vwo/"
        assert self.vwo_simulator.set_flag("new_checkout", **ON).wait(10)
        self.assertEqual(requests.get(self.live_server_url, timeout=10).text, "Buy now")
