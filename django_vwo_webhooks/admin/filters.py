"""The filters and the search: each finds its rows by an index, and its choices without a scan."""

import ipaddress
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..models import ChangedFeature, RefreshLease, WebhookEvent
from ..models.base import VWO_RETRIES_FOR
from .display import format_time, isolated, row_number
from .stored_texts import in_readers_language

RECENT_CHANGES = 500
"""The filter offers flags from this many of the newest changes."""

MOST_CHOICES = 12


def changed_feature(key: str) -> Q:
    """The condition of events that changed a flag."""
    changes = ChangedFeature.objects.filter(feature=ChangedFeature.key(key))
    return Q(outcome=WebhookEvent.Outcome.CHANGED, snapshot__in=changes.values("snapshot"))


def search(events: QuerySet[Any], term: str) -> QuerySet[Any]:
    """The events whose flag, action, person, address or number is ``term`` as a whole.

    Only the conditions that match any event are combined: if there is one, the database finds and
    orders its rows by the index of that condition.
    """
    matching = [
        condition
        for condition in (Q(action=term), Q(triggered_by=term), *_numbers_and_addresses(term))
        if WebhookEvent.objects.filter(condition).order_by().exists()
    ]
    if ChangedFeature.objects.filter(feature=ChangedFeature.key(term)).exists():
        matching.append(changed_feature(term))
    if not matching:
        return events.none()
    condition = matching.pop()
    for other in matching:
        condition |= other
    return events.filter(condition)


def _numbers_and_addresses(term: str) -> list[Q]:
    pk = row_number(term)
    number = [Q(pk=pk)] if pk else []
    try:
        return [*number, Q(remote_addr=str(ipaddress.ip_address(term)))]
    except ValueError:
        return number


class EnvironmentFilter(SimpleListFilter):
    title = _("environment")
    parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        # each environment has a lease, and there are few of these
        leases = RefreshLease.objects.order_by("environment").values_list("environment", flat=True)
        names = list(leases.distinct())
        return [(name, name) for name in names] if len(names) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        # only offered values: databases refuse some texts, such as those with NUL
        offered = self.value() in dict(self.lookup_choices)
        return queryset.filter(environment=self.value()) if offered else None


class FeatureFilter(SimpleListFilter):
    """The events that changed a flag: the latest keys are offered, any key is accepted."""

    title = _("flag")
    parameter_name = "feature"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = ChangedFeature.objects.order_by("-pk").values_list("feature", flat=True)
        keys = list(dict.fromkeys(newest[:RECENT_CHANGES]))[:MOST_CHOICES]
        chosen = self.value()
        if chosen and chosen not in keys:
            keys.insert(0, chosen)
        return [(key, key) for key in keys]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        key = self.value()
        return queryset.filter(changed_feature(key)) if key else None


def credentials_last_used() -> Iterator[tuple[str, datetime]]:
    """Each credential, and when a delivery last used it, by two reads of an index for each."""
    credential = ""
    for _number in range(MOST_CHOICES):
        rest = WebhookEvent.objects.filter(credential__gt=credential)
        ordered = rest.order_by("credential", "-received_at", "-pk")
        newest = ordered.only("credential", "received_at").first()
        if newest is None:
            return
        credential = newest.credential
        # an event that began earlier may have been retried later, within the next hour
        recent = WebhookEvent.objects.filter(
            credential=credential, received_at__gte=newest.received_at - VWO_RETRIES_FOR
        )
        yield credential, recent.aggregate(at=Max("last_received_at"))["at"]


class CredentialFilter(SimpleListFilter):
    """Shows when each secret was last used, so that an unused old one can be removed."""

    title = _("secret, and its last use")
    parameter_name = "credential"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        used = list(credentials_last_used())
        if len(used) < 2:
            return []
        return [
            (name, isolated(f"{in_readers_language(name)}: {format_time(at)}")) for name, at in used
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        offered = self.value() in dict(self.lookup_choices)
        return queryset.filter(credential=self.value()) if offered else None


class MissedWebhookFilter(SimpleListFilter):
    title = _("webhook")
    parameter_name = "webhook"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("missed", _("Missed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(is_missed=True) if self.value() else None
