import contextlib
import time

from django.db import Error

from ..models import FleetProcess, WebhookEvent
from ..models.process import HEARTBEAT_SECONDS
from ..refresh.attempt import in_force_here


class Presence:
    """This process's row among those of the fleet: what runs here, and that it is there."""

    def __init__(self) -> None:
        self._row: FleetProcess | None = None
        self._next_beat = 0.0

    def beat(self) -> None:
        """Write it when something else runs here than before, and about once a minute."""
        self._row = self._row or FleetProcess.for_this_process()
        due = time.monotonic() >= self._next_beat
        if self._row.note_applied(*in_force_here()) or due:
            FleetProcess.objects.write_heartbeat(self._row)
        if due:
            FleetProcess.objects.delete_expired()
            WebhookEvent.objects.give_up()
            self._next_beat = time.monotonic() + HEARTBEAT_SECONDS

    def leave(self) -> None:
        """Take the row along; one that stays is stale soon, and cleared away later."""
        if self._row is not None:
            with contextlib.suppress(Error):
                FleetProcess.objects.filter(pk=self._row.pk).delete()
