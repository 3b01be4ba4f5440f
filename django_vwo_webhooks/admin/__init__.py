"""The audit trail in the Django admin: to be read, and refreshed by whoever may."""

from .events import WebhookEventAdmin
from .snapshots import SettingsSnapshotAdmin

__all__ = ["SettingsSnapshotAdmin", "WebhookEventAdmin"]
