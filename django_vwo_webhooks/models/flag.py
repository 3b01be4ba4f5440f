"""Which flags the site's code asks for."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connections, models, transaction
from django.utils.translation import gettext_lazy as _

from .base import Owned, OwnedQuerySet, PrimaryManager, ours
from .event import WebhookEvent
from .kill_switch import KillSwitch
from .snapshot import ChangedFeature, SettingsSnapshot
from .text import CharField

if TYPE_CHECKING:
    from ..flags import FlagSettings

WRITE_AGAIN = timedelta(days=1)
"""How long a stored time stays as it is, however often the flag is asked for."""

UNUSED_AFTER = timedelta(days=30)
"""After how long a flag counts as no longer asked for."""

BATCH_SIZE = 500


class FlagQuerySet(OwnedQuerySet["Flag"]):
    keyset = ("last_asked_at", "pk")

    def note_asked(self, keys: Iterable[str], now: datetime) -> None:
        """Store that these were asked for; ``now`` is by the database's clock.

        Of a flag that has been stored within the last day nothing is written. Rows are locked in
        the order of their ids, so that processes that do this at the same time never deadlock.
        """
        rows = {row.pk: row for row in (self.model.named(key) for key in keys)}
        ids = sorted(rows)
        for start in range(0, len(ids), BATCH_SIZE):
            batch = ids[start : start + BATCH_SIZE]
            stored = dict(self.filter(pk__in=batch).values_list("pk", "last_asked_at"))
            new = [rows[pk] for pk in batch if pk not in stored]
            for row in new:
                row.first_asked_at = row.last_asked_at = now
            if new:
                self.bulk_create(new, ignore_conflicts=True)
            # one in the future was stored before the database's clock was set back
            old = [pk for pk, at in stored.items() if not at or abs(now - at) >= WRITE_AGAIN]
            if old:
                self._touch(old, now)

    def _touch(self, ids: list[str], now: datetime) -> None:
        with transaction.atomic(using=self.db):
            if connections[self.db].features.has_select_for_update:
                # an UPDATE of many rows locks them in any order
                list(self.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
            self.filter(pk__in=ids).update(last_asked_at=now)

    def asked_since(self, at: datetime) -> "FlagQuerySet":
        return self.filter(last_asked_at__gte=at)


class Flag(Owned):
    """A flag that the site's code asks for; one that only VWO knows has no row in the database.

    Not unique by its key: some databases take two keys for one where only their case differs.
    """

    id = CharField(primary_key=True, max_length=64, editable=False)
    key = CharField(_("key"), max_length=255)
    first_asked_at = models.DateTimeField(_("first asked for"), null=True)
    last_asked_at = models.DateTimeField(_("last asked for"), null=True)

    settings: "FlagSettings | None" = None
    """The flag in the settings in force; None where it is not at VWO, and before it was read."""

    at_vwo: bool | None = None
    """Whether it is in the settings in force; None while there are none, and before it was read."""

    switches: Sequence[KillSwitch] = ()
    """Its kill switches in use, those of another SDK key too; empty before they were read."""

    last_snapshot: SettingsSnapshot | None = None
    """The newest settings that changed it; None where none did, and before they were read."""

    last_event: WebhookEvent | None = None
    """The event that led to these settings; None where none did, and before it was read."""

    objects = PrimaryManager.from_queryset(FlagQuerySet)()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        ordering = ["key"]
        # whoever may view the settings may view their flags
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["environment", "key_digest", "last_asked_at", "id"],
                name="vwo_flag_last_asked",
            )
        ]

    def __str__(self) -> str:
        return str(self.key)

    @classmethod
    def named(cls, key: str) -> "Flag":
        """The row of this site's flag with this key, not saved yet."""
        stored: dict[str, str] = {**ours(), "key": ChangedFeature.key(key)}
        text = "\0".join(stored.values())
        return cls(id=hashlib.sha256(text.encode()).hexdigest(), **stored)

    @property
    def switch(self) -> KillSwitch | None:
        """The kill switch that has switched it off on this site."""
        return next((switch for switch in self.switches if switch.is_ours), None)

    def is_asked_for(self, now: datetime) -> bool:
        """Whether it was asked for recently."""
        return self.last_asked_at is not None and now - self.last_asked_at < UNUSED_AFTER
