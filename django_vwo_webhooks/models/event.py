import hashlib
import json
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..changes import printable
from .base import VWO_RETRIES_FOR, Owned, OwnedQuerySet, PrimaryManager, ours
from .lease import RefreshLease
from .snapshot import SettingsSnapshot
from .statements import Statement, moment


class Outcome(models.TextChoices):
    PENDING = "pending", _("pending")
    CHANGED = "changed", _("changed")
    UNCHANGED = "unchanged", _("unchanged")
    FAILED = "failed", _("failed")


LAND = Statement("""
    UPDATE {event}
    SET snapshot_id = CASE WHEN outcome <> %(kept)s THEN %(snapshot)s ELSE snapshot_id END,
        refresh_seconds = CASE
            WHEN outcome <> %(kept)s THEN %(seconds)s ELSE refresh_seconds
        END,
        outcome = CASE WHEN outcome <> %(kept)s THEN %(outcome)s ELSE outcome END,
        error = '', landed_flight = %(flight)s,
        finished_at = CASE WHEN last_flight < %(flight)s THEN %(at)s ELSE finished_at END
    WHERE environment = %(environment)s AND key_digest = %(key_digest)s
        AND finished_at IS NULL AND first_flight < %(flight)s
""")

ANSWER = Statement("""
    UPDATE {event}
    SET fingerprint = NULL,
        outcome = CASE
            WHEN finished_at IS NULL AND last_flight < %(flight)s
                AND outcome IN ('pending', 'failed')
            THEN %(outcome)s ELSE outcome
        END,
        finished_at = CASE
            WHEN finished_at IS NULL AND last_flight < %(flight)s THEN %(at)s ELSE finished_at
        END
    WHERE id IN (%(ids)s)
""")
# MySQL computes the columns from left to right, and later ones see what earlier ones became


class WebhookEventQuerySet(OwnedQuerySet["WebhookEvent"]):
    def record(self, **values: Any) -> "WebhookEvent":
        """Log one delivery, committed at once; ``is_new`` tells whether it began a row.

        A row is open until one of its deliveries is about to be answered 2xx. An identical
        delivery joins the open row; the unique fingerprint, NULL in closed rows, sees to it that
        there is one at a time, however many deliveries come at once.
        """
        now = timezone.now()
        fingerprint = _fingerprint(values["payload"])
        flight = RefreshLease.objects.newest_flight()
        for last_try in (False, False, True):
            try:
                with transaction.atomic(using=self.db):
                    event = self.create(
                        **ours(),
                        **values,
                        fingerprint=fingerprint,
                        received_at=now,
                        last_received_at=now,
                        first_flight=flight,
                        last_flight=flight,
                    )
                event.is_new = True
                return event
            except IntegrityError as error:
                if last_try or "fingerprint" not in str(error):
                    raise
            open_rows = self.filter(fingerprint=fingerprint)
            open_rows.filter(received_at__lte=now - VWO_RETRIES_FOR).update(fingerprint=None)
            if open_rows.update(
                deliveries=F("deliveries") + 1,
                last_received_at=now,
                last_flight=flight,
                finished_at=None,
                **{key: values[key] for key in ("credential",) if key in values},
            ):
                joined = open_rows.first()
                if joined is not None:
                    return joined
        raise AssertionError("unreachable")

    def waiting_for(self, flight: int) -> "WebhookEventQuerySet":
        """The unfinished rows of which a delivery arrived before ``flight`` started."""
        return self.ours().filter(finished_at=None, first_flight__lt=flight)

    def landed_with(self, flight: int, at: datetime) -> "WebhookEventQuerySet":
        """The rows that ``flight`` finished, found by the index of the moment when it did."""
        return self.ours().filter(landed_flight=flight, finished_at=at)

    def land(
        self,
        flight: int,
        snapshot: SettingsSnapshot,
        *,
        changed: bool,
        seconds: float,
        at: datetime,
    ) -> int:
        """Give the outcome of a good flight to every row that it serves, in one statement.

        Rows of which all deliveries arrived before it started are finished. A row that was once
        ``changed`` stays so, with the snapshot that it brought.
        """
        return LAND.run(
            self.db,
            flight=flight,
            snapshot=snapshot.pk,
            outcome=(Outcome.CHANGED if changed else Outcome.UNCHANGED).value,
            # a row that was changed before gives way to another change only
            kept="" if changed else Outcome.CHANGED.value,
            seconds=seconds,
            at=moment(self.db, at),
            **ours(),
        )

    def fail(self, flight: int, error: str) -> int:
        """Give the reason of a failed flight to every row that waited for it."""
        waiting = self.waiting_for(flight).exclude(outcome=Outcome.CHANGED)
        return waiting.update(outcome=Outcome.FAILED, error=error)

    def fail_one(self, pk: int, error: str) -> int:
        """Give its reason to one row that is answered without a flight of its own."""
        return self.filter(pk=pk, finished_at=None, outcome=Outcome.PENDING).update(
            outcome=Outcome.FAILED, error=error
        )

    def give_up(self) -> int:
        """Give an outcome to rows whose worker died, once VWO has stopped repeating them.

        A refresh that succeeds later still finishes those of its environment and SDK key.
        """
        late = self.filter(
            outcome=Outcome.PENDING, received_at__lt=timezone.now() - VWO_RETRIES_FOR
        )
        return late.update(
            outcome=Outcome.FAILED, error="Nothing refreshed in the hour in which VWO repeats it."
        )

    def answer(self, pks: list[int], *, flight: int) -> None:
        """Close rows because a delivery of each is about to be answered 2xx.

        ``flight`` served them. It also finishes those that this flight could not see yet.
        """
        ANSWER.run(
            self.db,
            ids=pks,
            flight=flight,
            outcome=Outcome.UNCHANGED.value,
            at=moment(self.db, timezone.now()),
        )

    keyset = ("received_at", "pk")

    def delivered_between(self, start: Any, end: Any) -> "WebhookEventQuerySet":
        """The events of which a delivery arrived then; the moments may be expressions."""
        return self.filter(
            # an event is retried for that long, which bounds the part of the index that is read
            received_at__gte=start - VWO_RETRIES_FOR,
            received_at__lte=end,
            last_received_at__gte=start,
        )


class WebhookEvent(Owned):
    """One event that VWO reported, however often it was delivered."""

    Outcome = Outcome

    is_new = False
    """True on the object that ``record`` returns for a delivery that began a row."""

    timestamp = models.DateTimeField(
        _("changed at"), null=True, help_text=_("When the change was made, by VWO's clock.")
    )
    event = models.CharField(_("event"), max_length=255)
    action = models.CharField(_("action"), max_length=255, blank=True)
    triggered_by = models.CharField(_("triggered by"), max_length=255, blank=True)
    payload = models.JSONField(_("payload"))
    outcome = models.CharField(
        _("outcome"), max_length=20, choices=Outcome, default=Outcome.PENDING
    )
    error = models.TextField(_("error"), blank=True)
    deliveries = models.PositiveIntegerField(_("deliveries"), default=1)
    received_at = models.DateTimeField(_("received at"))
    last_received_at = models.DateTimeField(_("last received at"))
    finished_at = models.DateTimeField(_("finished at"), null=True)
    refresh_seconds = models.FloatField(_("refresh took"), null=True)
    snapshot = models.ForeignKey(
        SettingsSnapshot,
        on_delete=models.SET_NULL,
        null=True,
        verbose_name=_("snapshot"),
        related_name="events",
    )
    credential = models.CharField(
        _("let in by"),
        max_length=100,
        blank=True,
        help_text=_("Which of the secrets matched, by its place in the settings."),
    )
    remote_addr = models.GenericIPAddressField(_("remote address"), null=True)
    # NULL in closed rows: only NULL may stand in a unique column more than once
    fingerprint = models.CharField(  # noqa: DJ001
        max_length=64, null=True, unique=True, editable=False
    )
    first_flight = models.BigIntegerField(editable=False)
    last_flight = models.BigIntegerField(editable=False)
    landed_flight = models.BigIntegerField(null=True, editable=False)

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
            models.Index(
                fields=["environment", "key_digest", "finished_at"], name="vwo_event_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{printable(self.action or self.event)} #{self.pk}"


def _fingerprint(payload: dict[str, Any]) -> str:
    """Equal for deliveries that VWO may have repeated: 64 hex digits of owner and body."""
    whose = ours()
    body = json.dumps(payload, sort_keys=True)
    text = f"{whose['environment']}\0{whose['key_digest']}\0{body}"
    return hashlib.sha256(text.encode()).hexdigest()
