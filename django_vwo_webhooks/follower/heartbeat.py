import contextlib
import time
from datetime import datetime

from django.db import Error

from ..models import Flag, FleetProcess, WebhookEvent
from ..models.base import database
from ..models.clock import DatabaseClock
from ..models.process import HEARTBEAT_SECONDS
from ..refresh.applying import applied_here
from ..refusals import refusals
from ..sdk import load_sdk
from ..sdk.asked_for import asked_keys
from ..sdk.switched_off import switched_off

FIRST_HEARTBEAT_SECONDS = 0.5
"""A process that ends sooner, as most commands do, writes no row."""

FORGET_ASKED_SECONDS = 86_400.0
"""After how long the keys that were asked for are stored again, if they still are."""


class Heartbeat:
    """Keeps this process's row: that it runs, and with which settings."""

    def __init__(self) -> None:
        self._row: FleetProcess | None = None
        self._due_at = time.monotonic() + FIRST_HEARTBEAT_SECONDS
        self._stored_keys: set[str] = set()
        self._forget_keys_at = time.monotonic() + FORGET_ASKED_SECONDS

    @property
    def due_seconds(self) -> float:
        """In how many seconds the next heartbeat is due, 0 if it is overdue."""
        return max(0.0, self._due_at - time.monotonic())

    def write(self, now: datetime) -> None:
        """Write the row if a heartbeat is due, or if something has changed.

        That is: other settings or kill switches have been applied, or deliveries are refused, or no
        longer. ``now`` is by the database's clock.
        """
        due = self.due_seconds == 0
        if self._row is None:
            if not due:
                return
            self._row = FleetProcess.for_this_process()
        refused = refusals().refused
        if due and refused.count:
            # by any process: VWO's next retry may reach another one than the refused call did
            _first_at, last_at = refused.times(now)
            accepted = WebhookEvent.objects.ours().delivered_since(last_at)
            if refused.is_over or accepted.exists():
                refusals().forget(refused)
        row = self._row
        changed = row.note_applied(*applied_here())
        changed |= row.note_kill_switches(switched_off.version)
        changed |= row.note_refused(refusals().refused, now)
        if changed or due:
            row.impressions_waiting, row.impressions_dropped = load_sdk().impressions()
            FleetProcess.objects.write_heartbeat(row)
        if due:
            FleetProcess.objects.delete_expired()
            WebhookEvent.objects.close_overdue(now)
            self._due_at = time.monotonic() + HEARTBEAT_SECONDS
            self._store_asked(now)

    def _store_asked(self, now: datetime) -> None:
        """Store which flags were asked for; without a statement where nothing is new."""
        keys = asked_keys - self._stored_keys
        if keys:
            Flag.objects.note_asked(keys, now)
            self._stored_keys |= keys
        if time.monotonic() >= self._forget_keys_at:
            asked_keys.clear()
            self._stored_keys.clear()
            self._forget_keys_at = time.monotonic() + FORGET_ASKED_SECONDS

    def end(self, *, process_ends: bool = False) -> None:
        """Delete the row; one that can't be deleted is stale soon, and deleted by others later.

        Where the process ends, also store which flags were asked for since the last heartbeat: a
        command may end before the first.
        """
        with contextlib.suppress(Error):
            if self._row is not None:
                FleetProcess.objects.filter(pk=self._row.pk).delete()
            if process_ends and asked_keys - self._stored_keys:
                self._store_asked(DatabaseClock.read(database()).now())
