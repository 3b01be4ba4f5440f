"""The test kit: a simulator of VWO, settings documents for it, overrides for flags, deliveries."""

from django_vwo_webhooks.testing.documents import build_settings, feature
from django_vwo_webhooks.testing.gateway import GatewaySimulator
from django_vwo_webhooks.testing.kit import VWOTestMixin, deliver_vwo_webhook
from django_vwo_webhooks.testing.overrides import override_flags
from django_vwo_webhooks.testing.simulator import VWOSimulator

__all__ = [
    "GatewaySimulator",
    "VWOSimulator",
    "VWOTestMixin",
    "build_settings",
    "deliver_vwo_webhook",
    "feature",
    "override_flags",
]
