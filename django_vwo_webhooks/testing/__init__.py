"""The test kit: a stand-in for VWO, and settings documents to serve from it."""

from django_vwo_webhooks.testing.settings_builder import build_settings, feature
from django_vwo_webhooks.testing.simulator import VWOSimulator

__all__ = ["VWOSimulator", "build_settings", "feature"]
