"""What is stored: events, snapshots, the lease of the fleet's one attempt, the processes."""

from .event import WebhookEvent
from .lease import LeaseState, RefreshLease
from .process import FleetProcess
from .snapshot import ChangedFeature, SettingsSnapshot

__all__ = [
    "ChangedFeature",
    "FleetProcess",
    "LeaseState",
    "RefreshLease",
    "SettingsSnapshot",
    "WebhookEvent",
]
