import time
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..conf import app_settings
from .base import Owned, OwnedQuerySet, PrimaryManager
from .clock import DatabaseClock, UnixNow
from .text import CharField, TextField

LONGEST_FLAG = 255


class KillSwitchQuerySet(OwnedQuerySet["KillSwitch"]):
    keyset = ("used_at", "pk")

    def not_released(self) -> "KillSwitchQuerySet":
        """Those that nobody has released, and whose end no process has noticed yet.

        Where the time of one is over, it is not in use any more all the same.
        """
        return self.filter(released_at=None)

    def of_environment(self) -> "KillSwitchQuerySet":
        """Those of this site's ``ENVIRONMENT``, of any SDK key."""
        return self.filter(environment=app_settings.environment)

    def in_use(self) -> "list[KillSwitch]":
        """Those of this site's ``ENVIRONMENT`` that are in use, the newest first; in one statement.

        Only those that are ``is_ours`` switch anything off here.
        """
        began_at = time.monotonic()
        rows: Any = self.of_environment().not_released().annotate(unix_now=UnixNow())
        return [
            switch
            for switch in rows.newest_first()
            if switch.is_in_use(DatabaseClock(switch.unix_now, began_at))
        ]


class KillSwitch(Owned):
    """A flag that is off on this site, whatever VWO says.

    In force for its own environment and SDK key only. Written in transactions that lock the lease
    row first and raise its ``kill_switch_version``, so that each flag has one in use at most, and
    each process finds it.
    """

    flag = CharField(_("flag"), max_length=LONGEST_FLAG)
    reason = TextField(_("reason"))
    used_by = CharField(_("used by"), max_length=255)
    used_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(_("used at"))
    until: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        _("until"), null=True, help_text=_("Empty: until it is released.")
    )
    released_by = CharField(
        _("released by"),
        max_length=255,
        blank=True,
        help_text=_("Empty: it ended at its time."),
    )
    released_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        _("ended at"), null=True
    )

    objects = PrimaryManager.from_queryset(KillSwitchQuerySet)()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("kill switch")
        verbose_name_plural = _("kill switches")
        ordering = ["-used_at", "-pk"]
        default_permissions = ("view",)
        permissions = [("use_kill_switch", _("Can use and release kill switches"))]
        indexes = [
            models.Index(fields=["-used_at", "-id"], name="vwo_switch_newest"),
            models.Index(fields=["released_at"], name="vwo_switch_released"),
        ]

    def __str__(self) -> str:
        return str(self.flag)

    @property
    def is_ours(self) -> bool:
        """Whether it is of this site's ``ENVIRONMENT`` and SDK key."""
        return (self.environment, self.key_digest) == app_settings.owner

    def ends_at(self, clock: DatabaseClock) -> float:
        """When its time is over, by the monotonic clock; infinite where somebody must release it.

        That is never longer from now than it was meant to last in all, in case the database's clock
        was set back.
        """
        if self.until is None:
            return float("inf")
        until = self.until.timestamp()
        left = min(until - clock.unix_seconds, until - self.used_at.timestamp())
        return clock.monotonic_seconds + left

    def is_in_use(self, clock: DatabaseClock) -> bool:
        """Whether the flag is off by this one now, on a site of its owner."""
        if self.released_at is not None:
            return False
        return self.until is None or clock.now() < self.until
