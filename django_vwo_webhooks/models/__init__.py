"""What is stored: events, snapshots, the lease of the fleet's one flight, the processes."""

from .event import WebhookEvent
from .fleet import FleetProcess
from .lease import LeaseState, RefreshLease
from .snapshot import SettingsSnapshot

__all__ = ["FleetProcess", "LeaseState", "RefreshLease", "SettingsSnapshot", "WebhookEvent"]
