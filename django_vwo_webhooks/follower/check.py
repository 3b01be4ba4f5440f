import logging
import random
from dataclasses import replace

from ..conf import app_settings
from ..exceptions import RefreshFailed
from ..models import LeaseState, RefreshLease, SettingsSnapshot
from ..refresh import serve
from ..refresh.attempt import Clock, apply, tell_applied

logger = logging.getLogger("django_vwo_webhooks")


class DatabaseCheck:
    """Applies the snapshot in force, and refreshes if no process has done so for too long."""

    def __init__(self, *, reconciles: bool) -> None:
        self._reconciles = reconciles
        # processes that were deployed at the same time must not all reconcile at the same time
        self._share = random.uniform(0.8, 0.9)  # noqa: S311 - spreads load, guards nothing

    def run(self) -> float:
        """Apply the snapshot in force if another one runs here, and refresh if that is due.

        Returns in how many seconds a reconcile is due, unless another process refreshes before.
        """
        state = RefreshLease.objects.look()
        if state.snapshot_id is None:
            # any attempt will do, also one that began before this process
            self._refresh(replace(state, noted=0), SettingsSnapshot.Cause.STARTUP)
        else:
            tell_applied(apply(state.snapshot_id, state.digest))
            if self._must_reconcile(state):
                self._refresh(state, SettingsSnapshot.Cause.RECONCILE)
        return self._due_seconds(state)

    def _must_reconcile(self, state: LeaseState) -> bool:
        # a refresh in the future was one before the database's clock was set back
        late = self._due_seconds(state) <= 0 or state.looked_seconds < 0
        return late and self._reconciles and not (state.busy or state.taking_a_breath)

    def _due_seconds(self, state: LeaseState) -> float:
        return app_settings.reconcile_seconds * self._share - state.looked_seconds

    def _refresh(self, state: LeaseState, cause: str) -> None:
        try:
            serve(state, cause=cause, clock=Clock.starting())
        except RefreshFailed as failure:
            logger.info("A refresh (cause: %s) failed: %s", cause, failure)
