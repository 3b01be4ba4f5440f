"""Which process of the fleet runs which settings."""

import os
import socket
import sys
import uuid
from datetime import datetime
from pathlib import Path

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from ..refusals import Refused
from .base import Owned, OwnedQuerySet, PrimaryManager, ours
from .clock import UnixNow
from .snapshot import SettingsSnapshot
from .text import CharField

HEARTBEAT_SECONDS = 60.0
"""How often a process writes its row, beside whenever it has applied other settings."""

STALE_SECONDS = 90.0
"""How old a row's heartbeat is when the process counts as gone."""

EXPIRED_SECONDS = 3600.0
"""How old it is when the row is deleted; until then it is shown as stale."""


class DropReason(models.TextChoices):
    """Why an impression never reaches VWO."""

    NOT_JSON = "not_json", _("can’t be made JSON")
    REFUSED = "refused", _("refused by VWO")
    UNANSWERED = "unanswered", _("sent and never answered")
    QUEUE_FULL = "queue_full", _("the queue was full")


class FleetProcessQuerySet(OwnedQuerySet["FleetProcess"]):
    def with_heartbeat_age(self) -> "FleetProcessQuerySet":
        """Adds ``heartbeat_age_seconds``: how long ago each process wrote its row."""
        # the model declares it too
        return self.annotate(  # type: ignore[no-redef]
            heartbeat_age_seconds=UnixNow() - F("heartbeat_at")
        )

    def write_heartbeat(self, row: "FleetProcess") -> None:
        """Store what ``row`` runs, and that it does so now."""
        updated = self.filter(pk=row.pk).update(
            snapshot=row.snapshot_id,
            applied_at=row.applied_at,
            followed=row.followed,
            kill_switch_version=row.kill_switch_version,
            impressions_waiting=row.impressions_waiting,
            impressions_dropped=row.impressions_dropped,
            refused=row.refused,
            refused_since=row.refused_since,
            refused_last_at=row.refused_last_at,
            refused_addr=row.refused_addr,
            heartbeat_at=UnixNow(),
        )
        if not updated:
            row.heartbeat_at = UnixNow()
            self.bulk_create([row])

    def delete_expired(self) -> None:
        """Delete the rows of processes that are long gone."""
        self.filter(heartbeat_at__lt=UnixNow() - EXPIRED_SECONDS).delete()


class FleetProcess(Owned):
    """A process that has a client, and the settings that it ran at its last heartbeat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = CharField(_("host"), max_length=255)
    pid = models.BigIntegerField(_("process id"))
    kind = CharField(_("kind"), max_length=100)
    snapshot = models.ForeignKey(
        SettingsSnapshot,
        on_delete=models.SET_NULL,
        null=True,
        verbose_name=_("settings"),
        related_name="+",
    )
    applied_at = models.DateTimeField(_("applied at"), null=True)
    # whether it ran when the snapshot was stored, rather than found it at its start
    followed = models.BooleanField(default=False)
    # of the lease row, as this process has read the kill switches; None before it has
    kill_switch_version = models.BigIntegerField(null=True)
    impressions_waiting = models.PositiveIntegerField(_("impressions waiting"), default=0)
    # since the process has started, by DropReason
    impressions_dropped = models.JSONField(_("impressions dropped"), default=dict)
    # the deliveries that it refused since one was accepted
    refused = models.PositiveBigIntegerField(default=0)
    refused_since = models.DateTimeField(null=True)
    refused_last_at = models.DateTimeField(null=True)
    refused_addr = models.GenericIPAddressField(null=True)
    # Unix seconds of the database's clock
    heartbeat_at = models.FloatField()

    heartbeat_age_seconds: float
    """Of rows that were read by ``with_heartbeat_age`` only."""

    objects = PrimaryManager.from_queryset(FleetProcessQuerySet)()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        indexes = [models.Index(fields=["heartbeat_at"], name="vwo_process_heartbeat")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pid} on {self.host}"

    @property
    def is_stale(self) -> bool:
        """Whether it has written no heartbeat for so long that it counts as gone."""
        return self.heartbeat_age_seconds >= STALE_SECONDS

    @classmethod
    def for_this_process(cls) -> "FleetProcess":
        """A row for the current process, not saved yet."""
        return cls(
            **ours(),
            id=uuid.uuid4(),
            host=socket.gethostname()[:255],
            pid=os.getpid(),
            kind=_kind()[:100],
        )

    def note_applied(self, snapshot_id: int | None, applied_at: datetime | None) -> bool:
        """Note which snapshot runs now; whether it is another one than before."""
        if self.snapshot_id == snapshot_id:
            return False
        self.followed = self.snapshot_id is not None
        self.snapshot_id = snapshot_id
        self.applied_at = applied_at
        return True

    def note_kill_switches(self, version: int | None) -> bool:
        """Note which version of the kill switches is in force; whether it is another one."""
        before, self.kill_switch_version = self.kill_switch_version, version
        return before != version

    def has_kill_switches(self, version: int) -> bool:
        """Whether it has read the kill switches as they are in this version, or a later one."""
        return self.kill_switch_version is not None and self.kill_switch_version >= version

    def note_refused(self, refused: Refused, now: datetime) -> bool:
        """Note what was refused; whether refusals have begun or ended since the last time.

        ``now`` is by the database's clock.
        """
        before = self.refused
        self.refused = refused.count
        self.refused_since, self.refused_last_at = (
            refused.times(now) if refused.count else (None, None)
        )
        self.refused_addr = refused.remote_addr
        return bool(before) != bool(self.refused)

    def lag_seconds(self, stored_at: datetime) -> float | None:
        """How long after ``stored_at`` this process applied its snapshot."""
        return None if self.applied_at is None else (self.applied_at - stored_at).total_seconds()


def _kind() -> str:
    """The program that runs, and its first argument where that names a command."""
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    if program in ("manage.py", "__main__.py", "django-admin") and len(sys.argv) > 1:
        return f"{program} {sys.argv[1]}"
    return program
