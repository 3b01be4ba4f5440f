"""The test kit: a simulator of VWO, settings documents for it, and overrides for flags."""

from django_vwo_webhooks.testing.documents import build_settings, feature
from django_vwo_webhooks.testing.gateway import GatewaySimulator
from django_vwo_webhooks.testing.overrides import override_flags
from django_vwo_webhooks.testing.simulator import VWOSimulator

__all__ = ["GatewaySimulator", "VWOSimulator", "build_settings", "feature", "override_flags"]
