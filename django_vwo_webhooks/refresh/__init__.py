"""Bring VWO's settings into force: ``refresh_settings()``."""

from ..connections import inside_transaction
from ..exceptions import InsideTransaction
from ..models import RefreshLease, SettingsSnapshot
from ..models.base import database
from .announcing import announce
from .deadline import Deadline
from .leasing import refresh

__all__ = ["refresh_settings"]


def refresh_settings(cause: str = SettingsSnapshot.Cause.MANUAL) -> SettingsSnapshot:
    """Fetch VWO's settings, store them if they changed, and apply them in this process.

    The other processes of the fleet follow by themselves. Concurrent calls share attempts: each
    call is served by one that started after it. ``cause`` is one of ``SettingsSnapshot.Cause``
    and becomes that of a snapshot that this makes.

    Returns the snapshot in force, new or not. Raises ``RefreshFailed``, whose message says why;
    the flags in force then stay as they are. Must not be called inside a transaction.
    """
    if inside_transaction(database()):
        raise InsideTransaction(
            "refresh_settings() was called inside a transaction, which would stay open while "
            "VWO answers. Write: transaction.on_commit(refresh_settings)"
        )
    lease = RefreshLease.objects.read()
    result = refresh(lease, noted=lease.attempt, cause=cause, deadline=Deadline.starting())
    announce(result)
    return SettingsSnapshot.objects.get(pk=result.in_force().pk)
