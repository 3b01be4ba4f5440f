"""The audit trail, the flags and their kill switches in the Django admin: read-only, with a button
to refresh the settings."""

from .events import WebhookEventAdmin
from .flags import FlagAdmin
from .kill_switches import KillSwitchAdmin
from .snapshots import SettingsSnapshotAdmin

__all__ = ["FlagAdmin", "KillSwitchAdmin", "SettingsSnapshotAdmin", "WebhookEventAdmin"]
