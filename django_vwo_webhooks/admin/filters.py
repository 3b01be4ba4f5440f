"""The filters and the search: each finds its rows by an index, and its choices without a scan."""

import ipaddress
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..models import ChangedFeature, RefreshLease, WebhookEvent

RECENT = 500
"""Among how many changes of flags the filter looks for the flags that it offers."""

OFFERED = 12


def changed_feature(key: str) -> Q:
    """The events that brought a change of a flag."""
    changes = ChangedFeature.objects.filter(feature=ChangedFeature.key(key))
    return Q(outcome=WebhookEvent.Outcome.CHANGED, snapshot__in=changes.values("snapshot"))


def found(events: QuerySet[Any], term: str) -> QuerySet[Any]:
    """The events of a flag, action, person, address or number, each as a whole.

    Only what occurs at all goes into the condition: one of an index each, it is found and ordered
    by that index.
    """
    occurs = [
        condition
        for condition in (Q(action=term), Q(triggered_by=term), *_exactly(term))
        if WebhookEvent.objects.filter(condition).order_by().exists()
    ]
    if ChangedFeature.objects.filter(feature=ChangedFeature.key(term)).exists():
        occurs.append(changed_feature(term))
    if not occurs:
        return events.none()
    condition = occurs.pop()
    for other in occurs:
        condition |= other
    return events.filter(condition)


def _exactly(term: str) -> list[Q]:
    number = [Q(pk=int(term))] if term.isdecimal() else []
    try:
        return [*number, Q(remote_addr=str(ipaddress.ip_address(term)))]
    except ValueError:
        return number


class ByEnvironment(SimpleListFilter):
    title = _("environment")
    parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        # each environment has a lease, and there are few of them
        leases = RefreshLease.objects.order_by("environment").values_list("environment", flat=True)
        names = list(leases.distinct())
        return [(name, name) for name in names] if len(names) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(environment=self.value()) if self.value() else None


class ByFeature(SimpleListFilter):
    """Everything that ever happened to a flag; any key does, those changed last are offered."""

    title = _("flag")
    parameter_name = "feature"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = ChangedFeature.objects.order_by("-pk").values_list("feature", flat=True)
        keys = list(dict.fromkeys(newest[:RECENT]))[:OFFERED]
        chosen = self.value()
        if chosen and chosen not in keys:
            keys.insert(0, chosen)
        return [(key, key) for key in keys]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        key = self.value()
        return queryset.filter(changed_feature(key)) if key else None
