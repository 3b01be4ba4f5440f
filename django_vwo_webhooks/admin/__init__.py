"""The audit trail and the flags in the Django admin: read-only, with a button to refresh."""

from .events import WebhookEventAdmin
from .flags import FlagAdmin
from .snapshots import SettingsSnapshotAdmin

__all__ = ["FlagAdmin", "SettingsSnapshotAdmin", "WebhookEventAdmin"]
