from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, Subquery
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _

from ..changes import brief, sentence
from .base import (
    VWO_RETRIES_FOR,
    ChangesField,
    JSONTextField,
    Owned,
    OwnedQuerySet,
    PrimaryManager,
    database,
    ours,
)
from .text import CharField

ON_ITS_WAY = timedelta(minutes=1)
"""How long before a refresh without a webhook the delivery of its change may have arrived."""


class SettingsSnapshotQuerySet(OwnedQuerySet["SettingsSnapshot"]):
    def in_force(self) -> "SettingsSnapshot | None":
        """The snapshot that every process of the fleet should serve: the one that the lease names.

        Not the one with the greatest number: a sequence goes back when data is restored.
        """
        return self.ours().filter(leases__isnull=False).first()

    def with_in_force(self) -> "SettingsSnapshotQuerySet":
        """Adds ``is_in_force``: whether the lease of its environment and SDK key names it."""
        named = Q(leases__isnull=False)
        return self.annotate(is_in_force=ExpressionWrapper(named, output_field=BooleanField()))

    def with_missed(self, now: datetime) -> "SettingsSnapshotQuerySet":
        """Adds ``is_missed``: found without a webhook, and none arrived in the hour after.

        VWO retries a webhook for that long, so only then has one been missed. ``now`` is by the
        database's clock.
        """
        found_at = OuterRef("created_at")
        events: Any = apps.get_model("django_vwo_webhooks", "WebhookEvent")._default_manager
        deliveries = events.delivered_between(
            found_at - ON_ITS_WAY, found_at + VWO_RETRIES_FOR
        ).filter(environment=OuterRef("environment"), key_digest=OuterRef("key_digest"))
        # not EXISTS: PostgreSQL would make it a join, whose estimated cost starts the JIT compiler
        newest = deliveries.newest_first().values("pk")[:1]
        missed = Q(
            Q(cause=SettingsSnapshot.Cause.RECONCILE),
            Q(created_at__lt=now - VWO_RETRIES_FOR),
            IsNull(Subquery(newest), True),
        )
        return self.annotate(is_missed=ExpressionWrapper(missed, output_field=BooleanField()))


class SettingsSnapshot(Owned):
    """One state of the settings as VWO served it, numbered by its primary key."""

    class Cause(models.TextChoices):
        WEBHOOK = "webhook", _("webhook")
        RECONCILE = "reconcile", _("found without a webhook")
        STARTUP = "startup", _("first start")
        MANUAL = "manual", _("by hand")

    settings = JSONTextField(_("settings"), help_text=_("VWO's document without the SDK key."))
    digest = CharField(_("digest"), max_length=64, editable=False)
    changes = ChangesField(_("changes"), default=list)
    change_count: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField(
        _("number of changes"), default=0
    )
    headline = JSONTextField(
        _("first change"), null=True, help_text=_("What the sentence of the first change needs.")
    )
    cause = CharField(_("cause"), max_length=20, choices=Cause)
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(_("created at"))

    objects = PrimaryManager.from_queryset(SettingsSnapshotQuerySet)()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("settings snapshot")
        verbose_name_plural = _("settings snapshots")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["environment", "key_digest", "-id"], name="vwo_snapshot_newest")
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @classmethod
    def of(
        cls,
        settings: dict[str, Any],
        digest: str,
        changes: list[dict[str, Any]],
        cause: str,
        created_at: datetime,
    ) -> "SettingsSnapshot":
        """A snapshot of this site's settings, not saved yet; ``created_at`` by the database."""
        return cls(
            **ours(),
            settings=settings,
            digest=digest,
            changes=changes,
            change_count=len(changes),
            headline=brief(changes[0]) if changes else None,
            cause=cause,
            created_at=created_at,
        )

    @property
    def first_change(self) -> str:
        """The first change in words, in the active language; "" where nothing changed."""
        return sentence(self.headline) if self.headline else ""

    def store(self) -> None:
        """Insert it where the models are written, together with the flags that it changed."""
        self.save(force_insert=True, using=database())
        keys = {ChangedFeature.key(change["feature"]): None for change in self.changes}
        ChangedFeature.objects.bulk_create(
            ChangedFeature(snapshot_id=self.pk, feature=key) for key in keys if key
        )

    def document(self, sdk_key: str) -> dict[str, Any]:
        """The settings as the SDK takes them: with the SDK key, which is never stored."""
        return {**self.settings, "sdkKey": sdk_key}


class ChangedFeature(models.Model):
    """That a snapshot changed something about a flag: everything that ever happened to it."""

    snapshot: "models.ForeignKey[SettingsSnapshot, SettingsSnapshot]" = models.ForeignKey(
        SettingsSnapshot, on_delete=models.CASCADE, related_name="changed_features"
    )
    feature = CharField(_("feature"), max_length=255)

    objects = PrimaryManager()

    class Meta:
        base_manager_name = "objects"
        # not unique: some databases take two keys for one where only their case differs
        indexes = [models.Index(fields=["feature", "snapshot"], name="vwo_changed_feature")]

    def __str__(self) -> str:
        return f"{self.feature} in {self.snapshot_id}"

    @staticmethod
    def key(feature: str) -> str:
        """A flag's key as every database can hold it: in ASCII, without NUL."""
        return feature.encode("ascii", "backslashreplace").decode().replace("\0", "\\x00")[:255]
