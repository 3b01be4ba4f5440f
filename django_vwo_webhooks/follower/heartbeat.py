import contextlib
import time

from django.db import Error

from ..models import FleetProcess, WebhookEvent
from ..models.process import HEARTBEAT_SECONDS
from ..refresh.applying import applied_here
from ..sdk import load_sdk

FIRST_HEARTBEAT_SECONDS = 0.5
"""A process that ends sooner, as most commands do, writes no row."""


class Heartbeat:
    """Keeps this process's row: that it runs, and with which settings."""

    def __init__(self) -> None:
        self._row: FleetProcess | None = None
        self._due_at = time.monotonic() + FIRST_HEARTBEAT_SECONDS

    @property
    def due_seconds(self) -> float:
        """In how many seconds the next heartbeat is due, 0 if it is overdue."""
        return max(0.0, self._due_at - time.monotonic())

    def write(self) -> None:
        """Write the row if a heartbeat is due or other settings have been applied."""
        due = self.due_seconds == 0
        if self._row is None:
            if not due:
                return
            self._row = FleetProcess.for_this_process()
        if self._row.note_applied(*applied_here()) or due:
            row = self._row
            row.impressions_waiting, row.impressions_dropped = load_sdk().impressions()
            FleetProcess.objects.write_heartbeat(self._row)
        if due:
            FleetProcess.objects.delete_expired()
            WebhookEvent.objects.close_overdue()
            self._due_at = time.monotonic() + HEARTBEAT_SECONDS

    def end(self) -> None:
        """Delete the row; one that can't be deleted is stale soon, and deleted by others later."""
        if self._row is not None:
            with contextlib.suppress(Error):
                FleetProcess.objects.filter(pk=self._row.pk).delete()
