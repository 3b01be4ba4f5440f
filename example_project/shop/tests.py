"""Run with ``python manage.py test``; no test needs VWO, its keys or a network."""

from django.contrib.auth.models import User
from django.test import TestCase

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.models import WebhookEvent
from django_vwo_webhooks.testing import VWOTestMixin, override_flags


class ShopTests(TestCase):
    """What a page shows for which flags."""

    def test_every_flag_is_off_unless_a_test_switches_it_on(self) -> None:
        self.assertContains(self.client.get("/"), "the old checkout")

    @override_flags(new_checkout={"button": "Buy with one click"})
    def test_the_new_checkout_has_the_button_that_vwo_names(self) -> None:
        page = self.client.get("/")
        self.assertContains(page, "the new checkout")
        self.assertContains(page, "Buy with one click")

    def test_a_flag_that_changes_while_a_visitor_is_here(self) -> None:
        with override_flags(new_checkout=True):
            self.assertContains(self.client.get("/"), "the new checkout")
        self.assertContains(self.client.get("/"), "the old checkout")


class WebhookTests(VWOTestMixin, TestCase):
    """The whole way: VWO changes a flag and sends a webhook, and the page changes."""

    def test_a_webhook_brings_the_new_checkout(self) -> None:
        self.vwo_simulator.set_flag("new_checkout", enabled=True, variables={"button": "Buy now"})
        with self.assertLogs("shop.receivers", "INFO") as logs:
            self.assertEqual(self.deliver_vwo_webhook().status_code, 200)
        self.assertIn("new_checkout added: on", logs.output[0])
        self.assertContains(self.client.get("/"), "Buy now")

    def test_the_checkout_stays_as_it_is_while_vwo_is_down(self) -> None:
        self.vwo_simulator.set_flag("new_checkout", enabled=True)
        self.deliver_vwo_webhook()
        self.vwo_simulator.misbehave(status=500)
        self.vwo_simulator.set_flag("new_checkout", enabled=False)
        with self.assertLogs("django_vwo_webhooks", "WARNING"):
            self.assertEqual(self.deliver_vwo_webhook().status_code, 503)
        self.assertContains(self.client.get("/"), "the new checkout")

    def test_a_kill_switch_brings_the_old_checkout_back(self) -> None:
        self.vwo_simulator.set_flag("new_checkout", enabled=True)
        self.deliver_vwo_webhook()
        with self.assertLogs("django_vwo_webhooks", "WARNING"):
            kill_switch.use("new_checkout", reason="too many refunds", by="the tests")
        self.assertContains(self.client.get("/"), "the old checkout")

    def test_the_event_is_in_the_admin(self) -> None:
        self.vwo_simulator.set_flag("new_checkout", enabled=True)
        self.deliver_vwo_webhook(action="feature_flag_updated")
        event = WebhookEvent.objects.get()
        self.assertEqual(event.outcome, WebhookEvent.Outcome.CHANGED)
        self.client.force_login(User.objects.create_superuser("anna"))
        page = self.client.get(f"/admin/django_vwo_webhooks/webhookevent/{event.pk}/change/")
        self.assertContains(page, "new_checkout")
