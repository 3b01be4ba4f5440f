from typing import Any

from django.db import models, router
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .base import JSONTextField, Owned, OwnedQuerySet, PrimaryManager, ours


class SettingsSnapshotQuerySet(OwnedQuerySet["SettingsSnapshot"]):
    def in_force(self) -> "SettingsSnapshot | None":
        """The snapshot in force: the one that every process of the fleet should serve."""
        return self.ours().order_by("-pk").first()

    def with_newest(self) -> "SettingsSnapshotQuerySet":
        """Adds ``is_newest``: whether a snapshot is the newest of its environment and SDK key."""
        newer = self.model._default_manager.filter(
            environment=OuterRef("environment"),
            key_digest=OuterRef("key_digest"),
            pk__gt=OuterRef("pk"),
        )
        return self.annotate(is_newest=~Exists(newer))


class SettingsSnapshot(Owned):
    """One state of the settings as VWO served it, numbered by its primary key."""

    class Cause(models.TextChoices):
        WEBHOOK = "webhook", _("webhook")
        RECONCILE = "reconcile", _("found without a webhook")
        STARTUP = "startup", _("first start")
        MANUAL = "manual", _("by hand")

    settings = JSONTextField(_("settings"), help_text=_("VWO's document without the SDK key."))
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    changes = JSONTextField(_("changes"), default=list)
    change_count = models.PositiveIntegerField(_("number of changes"), default=0)
    headline = JSONTextField(
        _("first change"), default="", help_text=_("The first change in words.")
    )
    cause = models.CharField(_("cause"), max_length=20, choices=Cause)
    created_at = models.DateTimeField(_("created at"))

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
        cls, settings: dict[str, Any], digest: str, changes: list[dict[str, Any]], cause: str
    ) -> "SettingsSnapshot":
        """A snapshot of this site's settings, not saved yet."""
        return cls(
            **ours(),
            settings=settings,
            digest=digest,
            changes=changes,
            change_count=len(changes),
            headline=changes[0]["text"][:300] if changes else "",
            cause=cause,
            created_at=timezone.now(),
        )

    def store(self) -> None:
        """Insert it where the models are written, together with the flags that it changed."""
        self.save(force_insert=True, using=router.db_for_write(type(self)))
        keys = {ChangedFeature.key(change["feature"]): None for change in self.changes}
        ChangedFeature.objects.bulk_create(
            ChangedFeature(snapshot_id=self.pk, feature=key) for key in keys if key
        )

    def document(self, sdk_key: str) -> dict[str, Any]:
        """The settings as the SDK takes them: with the SDK key, which is never stored."""
        return {**self.settings, "sdkKey": sdk_key}


class ChangedFeature(models.Model):
    """That a snapshot changed something about a flag: everything that ever happened to it."""

    snapshot = models.ForeignKey(
        SettingsSnapshot, on_delete=models.CASCADE, related_name="changed_features"
    )
    feature = models.CharField(_("feature"), max_length=255)

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
