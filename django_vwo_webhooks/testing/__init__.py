"""The test kit: a stand-in for VWO, settings documents to serve from it, flags to override."""

from django_vwo_webhooks.testing.overrides import override_flags
from django_vwo_webhooks.testing.settings_builder import build_settings, feature
from django_vwo_webhooks.testing.simulator import VWOSimulator

__all__ = ["VWOSimulator", "build_settings", "feature", "override_flags"]
