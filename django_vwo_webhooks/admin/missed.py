"""Which snapshots VWO should have told by a webhook, and did not."""

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models import SettingsSnapshot, WebhookEvent
from ..models.event import VWO_RETRIES_FOR

JUST_BEFORE = timedelta(minutes=1)
"""A delivery may have been on its way in while the look without a webhook found its change."""


def with_missed(snapshots: QuerySet[Any]) -> QuerySet[Any]:
    """Adds ``is_missed``: found without a webhook, and none was delivered in the hour after.

    For that long VWO repeats a webhook, so only then can one be called missed.
    """
    found = OuterRef("created_at")
    deliveries = WebhookEvent.objects.filter(
        environment=OuterRef("environment"),
        key_digest=OuterRef("key_digest"),
        # first delivered at most an hour before the last one, which narrows the index's range
        received_at__gte=found - (VWO_RETRIES_FOR + JUST_BEFORE),
        received_at__lte=found + VWO_RETRIES_FOR,
        last_received_at__gte=found - JUST_BEFORE,
    )
    # not EXISTS: PostgreSQL would make a join of it whose estimated cost starts its JIT compiler
    one = deliveries.order_by("-received_at", "-pk").values("pk")[:1]
    missed = Q(
        Q(cause=SettingsSnapshot.Cause.RECONCILE),
        Q(created_at__lt=timezone.now() - VWO_RETRIES_FOR),
        IsNull(Subquery(one), True),
    )
    annotated: QuerySet[Any] = snapshots.annotate(
        is_missed=ExpressionWrapper(missed, output_field=BooleanField())
    )
    return annotated


def missed_lately(days: int) -> int:
    """How many webhooks this site missed in so many days."""
    since = timezone.now() - timedelta(days=days)
    lately = SettingsSnapshot.objects.ours().filter(created_at__gte=since)
    return with_missed(lately).filter(is_missed=True).count()


class ByWebhook(SimpleListFilter):
    title = _("webhook")
    parameter_name = "webhook"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("missed", _("Missed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(is_missed=True) if self.value() else None
