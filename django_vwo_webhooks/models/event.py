from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..changes import printable
from .base import JSONTextField, Owned, PrimaryManager, UnfinishedIndex
from .deliveries import OPEN_FOR, WebhookEventQuerySet
from .outcome import Outcome
from .snapshot import SettingsSnapshot
from .text import CharField, TextField

SIMILAR = 20
"""How many rows that look the same are compared by their payloads."""


class WebhookEvent(Owned):
    """One event that VWO reported, however often it was delivered."""

    Outcome = Outcome

    timestamp: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        _("changed at"), null=True, help_text=_("When the change was made, by VWO's clock.")
    )
    event = CharField(_("event"), max_length=255)
    action = CharField(_("action"), max_length=255, blank=True)
    triggered_by = CharField(_("triggered by"), max_length=255, blank=True)
    payload = JSONTextField(_("payload"))
    outcome = CharField(_("outcome"), max_length=20, choices=Outcome, default=Outcome.PENDING)
    error = TextField(_("error"), blank=True)
    deliveries: "models.PositiveIntegerField[int, int]" = models.PositiveIntegerField(
        _("deliveries"), default=1
    )
    received_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(_("received at"))
    last_received_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        _("last received at")
    )
    finished_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(
        _("finished at"), null=True
    )
    refresh_seconds: "models.FloatField[float | None, float | None]" = models.FloatField(
        _("refresh took"), null=True
    )
    snapshot: "models.ForeignKey[SettingsSnapshot | None, SettingsSnapshot | None]" = (
        models.ForeignKey(
            SettingsSnapshot,
            on_delete=models.SET_NULL,
            null=True,
            verbose_name=_("snapshot"),
            related_name="events",
        )
    )
    credential = CharField(
        _("authenticated by"),
        max_length=100,
        blank=True,
        help_text=_("Which of the secrets matched, by its place in the settings."),
    )
    remote_addr: "models.GenericIPAddressField[str | None, str | None]" = (
        models.GenericIPAddressField(_("remote address"), null=True)
    )
    # NULL in closed rows: only NULL may stand in a unique column more than once
    fingerprint = CharField(  # type: ignore[misc]
        max_length=64, null=True, unique=True, editable=False
    )
    # the number of the newest attempt when the first and when the last delivery arrived
    first_noted: "models.BigIntegerField[int, int]" = models.BigIntegerField(editable=False)
    last_noted: "models.BigIntegerField[int, int]" = models.BigIntegerField(editable=False)
    # a delivery was answered 503, and VWO has not retried it yet
    retry_expected: "models.BooleanField[bool, bool]" = models.BooleanField(
        default=False, editable=False
    )

    objects = PrimaryManager.from_queryset(WebhookEventQuerySet)()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="vwo_event_newest"),
            *(
                models.Index(fields=[field, "-received_at", "-id"], name=f"vwo_event_{field}")
                for field in ("outcome", "environment", "action", "triggered_by", "credential")
            ),
            models.Index(fields=["remote_addr"], name="vwo_event_remote_addr"),
            models.Index(fields=["snapshot", "outcome"], name="vwo_event_snapshot"),
            UnfinishedIndex(
                fields=["environment", "key_digest", "finished_at"], name="vwo_event_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"{printable(self.action or self.event)} #{self.pk}".lstrip()

    def previous(self) -> "WebhookEvent | None":
        """The row before this one that has the same body, while VWO might have retried that.

        Then this row is a retry whose answer was lost, for instance since a worker was killed, or
        another change of the same second: VWO's payload has no id that would decide it.
        """
        before = WebhookEvent.objects.filter(
            environment=self.environment,
            key_digest=self.key_digest,
            action=self.action,
            received_at__gte=self.received_at - OPEN_FOR,
            received_at__lte=self.received_at,
            pk__lt=self.pk,
        )
        same = before.filter(event=self.event, triggered_by=self.triggered_by)
        candidates = same.filter(timestamp=self.timestamp)[:SIMILAR]
        return next((event for event in candidates if event.payload == self.payload), None)
