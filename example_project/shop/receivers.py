"""Logs what changed whenever the settings are refreshed."""

import logging
from typing import Any

from django.dispatch import receiver

from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.signals import settings_refreshed

logger = logging.getLogger(__name__)


@receiver(settings_refreshed)
def log_changes(snapshot: SettingsSnapshot, changes: list[dict[str, Any]], **kwargs: Any) -> None:
    for change in changes:
        logger.info("Settings %s: %s", snapshot, change["text"])
