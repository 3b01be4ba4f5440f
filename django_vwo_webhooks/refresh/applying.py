"""What this process's client serves, and how it comes to serve what is in force."""

from datetime import datetime
from typing import Any

from ..exceptions import NotApplied
from ..models import LeaseState, RefreshLease, SettingsSnapshot
from ..models.base import database
from ..sdk import load_sdk
from .result import RefreshResult


def apply(snapshot_id: int | None, digest: str, built: Any = None) -> SettingsSnapshot | None:
    """Bring what is in force into this process's client unless it is there already.

    ``snapshot_id`` and ``digest`` are those of the snapshot in force as far as the caller knows;
    ``built`` may be a client that was built from it just now. Returns the snapshot if it was
    applied, None where it was there already. Raises ``NotApplied`` where it is not there now.
    """
    client = load_sdk().client()
    if client.runs(snapshot_id, digest):
        return None
    applied = load_sdk().apply_in_force(built)
    if not client.runs(snapshot_id, digest):
        # or another attempt has succeeded meanwhile
        lease = RefreshLease.objects.read()
        if not client.runs(lease.snapshot_id, lease.digest):
            raise NotApplied(f"Settings #{snapshot_id} are stored, and are not in force here yet.")
    return applied


def follow(lease: LeaseState) -> RefreshResult:
    """Apply what another process's attempt has brought."""
    applied = apply(lease.snapshot_id, lease.digest)
    return RefreshResult(lease.succeeded_attempt, snapshot_in_force(lease), applied=applied)


def snapshot_in_force(lease: LeaseState) -> SettingsSnapshot:
    """The snapshot that the lease names; further columns are loaded when they are used."""
    return SettingsSnapshot.from_db(database(), ["id", "digest"], [lease.snapshot_id, lease.digest])


def applied_here() -> tuple[int | None, datetime | None]:
    """The number of the snapshot that this process's client serves, and since when."""
    client = load_sdk().client()
    return client.snapshot_id, client.applied_at
