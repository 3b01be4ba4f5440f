"""The audit trail in the Django admin: read-only, with a button to refresh the settings; and the
kill switches."""

from .events import WebhookEventAdmin
from .kill_switches import KillSwitchAdmin
from .snapshots import SettingsSnapshotAdmin

__all__ = ["KillSwitchAdmin", "SettingsSnapshotAdmin", "WebhookEventAdmin"]
