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

from .base import Owned, OwnedQuerySet, PrimaryManager, UnixNow, ours
from .snapshot import SettingsSnapshot

BEAT_SECONDS = 60.0
"""How often a process says that it is there."""

ALIVE_SECONDS = 90.0
"""How long after its last word a process counts as alive."""

FORGOTTEN_SECONDS = 3600.0
"""How long the row of a process that was killed is kept, marked as stale."""


class FleetProcessQuerySet(OwnedQuerySet["FleetProcess"]):
    def with_silence(self) -> "FleetProcessQuerySet":
        """Adds ``silent_seconds``: how long ago a process last said that it is there."""
        return self.annotate(silent_seconds=UnixNow() - F("seen_at"))

    def beat(self, row: "FleetProcess") -> None:
        """Write down that ``row`` is there, and what it runs."""
        known = self.filter(pk=row.pk).update(
            snapshot=row.snapshot_id,
            applied_at=row.applied_at,
            followed=row.followed,
            seen_at=UnixNow(),
        )
        if not known:
            row.seen_at = UnixNow()
            self.bulk_create([row])

    def forget(self) -> None:
        """Clear away who is long gone."""
        self.filter(seen_at__lt=UnixNow() - FORGOTTEN_SECONDS).delete()


class FleetProcess(Owned):
    """A process that has a client, as it saw itself last."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(_("host"), max_length=255)
    pid = models.BigIntegerField(_("process id"))
    kind = models.CharField(_("kind"), max_length=100)
    snapshot = models.ForeignKey(
        SettingsSnapshot,
        on_delete=models.SET_NULL,
        null=True,
        verbose_name=_("settings"),
        related_name="+",
    )
    applied_at = models.DateTimeField(_("applied at"), null=True)
    followed = models.BooleanField(default=False)
    # Unix seconds of the database's clock
    seen_at = models.FloatField()

    objects = PrimaryManager.from_queryset(FleetProcessQuerySet)()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        indexes = [models.Index(fields=["seen_at"], name="vwo_process_seen")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pid} on {self.host}"

    @classmethod
    def this_one(cls) -> "FleetProcess":
        """A row for the process that asks, not saved yet."""
        return cls(
            **ours(),
            id=uuid.uuid4(),
            host=socket.gethostname()[:255],
            pid=os.getpid(),
            kind=_kind()[:100],
        )

    def took(self, snapshot_id: int | None, applied_at: datetime | None) -> bool:
        """Note what runs here now; whether that is something else than before."""
        if self.snapshot_id == snapshot_id:
            return False
        # what it found at its start says nothing about how fast it follows
        self.followed = self.snapshot_id is not None
        self.snapshot_id = snapshot_id
        self.applied_at = applied_at
        return True

    def lag_seconds(self, stored_at: datetime) -> float | None:
        """How long after the snapshot was stored it came into force here."""
        return None if self.applied_at is None else (self.applied_at - stored_at).total_seconds()


def _kind() -> str:
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    if program in ("manage.py", "__main__.py", "django-admin") and len(sys.argv) > 1:
        return f"{program} {sys.argv[1]}"
    return program
