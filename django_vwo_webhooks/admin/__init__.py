"""The audit trail in the Django admin: read-only, with a button to refresh the settings."""

from .events import WebhookEventAdmin
from .snapshots import SettingsSnapshotAdmin

__all__ = ["SettingsSnapshotAdmin", "WebhookEventAdmin"]
