import logging
import random

from .. import kill_switch
from ..conf import app_settings
from ..models import LeaseState, RefreshLease, SettingsSnapshot
from ..refresh.announcing import announce, announce_applied
from ..refresh.applying import apply
from ..refresh.deadline import Deadline
from ..refresh.leasing import refresh

logger = logging.getLogger("django_vwo_webhooks")


class DatabaseCheck:
    """Applies the snapshot in force, and refreshes if no process has done so for too long."""

    def __init__(self, *, reconciles: bool) -> None:
        self._reconciles = reconciles
        # processes that were deployed at the same time must not all reconcile at the same time
        self._share = random.uniform(0.8, 0.9)  # noqa: S311 - spreads load, guards nothing

    def run(self) -> LeaseState:
        """Apply the kill switches and the snapshot in force, and refresh if that is due.

        Returns the lease as it was read at first.
        """
        lease = RefreshLease.objects.read()
        # before VWO may be asked, which can take seconds
        kill_switch.follow(lease)
        if lease.snapshot_id is None:
            # an attempt that is under way serves too
            self._refresh(lease, SettingsSnapshot.Cause.STARTUP, lease.attempt - lease.busy)
        else:
            announce_applied(apply(lease.snapshot_id, lease.digest))
            if self._must_reconcile(lease):
                self._refresh(lease, SettingsSnapshot.Cause.RECONCILE, lease.attempt)
        return lease

    def _must_reconcile(self, lease: LeaseState) -> bool:
        # a refresh in the future was one before the database's clock was set back
        late = self.due_seconds(lease) <= 0 or lease.refreshed_seconds < 0
        return late and self._reconciles and not (lease.busy or lease.backing_off)

    def due_seconds(self, lease: LeaseState) -> float:
        """In how many seconds a reconcile is due, unless another process refreshes before."""
        return app_settings.reconcile_seconds * self._share - lease.refreshed_seconds

    def _refresh(self, lease: LeaseState, cause: str, noted: int) -> None:
        result = refresh(lease, noted=noted, cause=cause, deadline=Deadline.starting())
        announce(result)
        if result.failure is not None:
            logger.info("A refresh (cause: %s) failed: %s", cause, result.failure)
