"""What is stored: events, snapshots, the lease of the fleet's one attempt, the processes, the kill
switches, and which flags the site's code asks for."""

from .event import WebhookEvent
from .flag import Flag
from .kill_switch import KillSwitch
from .lease import LeaseState, RefreshLease
from .process import FleetProcess
from .snapshot import ChangedFeature, SettingsSnapshot

__all__ = [
    "ChangedFeature",
    "Flag",
    "FleetProcess",
    "KillSwitch",
    "LeaseState",
    "RefreshLease",
    "SettingsSnapshot",
    "WebhookEvent",
]
