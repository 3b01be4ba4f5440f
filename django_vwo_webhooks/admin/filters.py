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
from ..models.event import VWO_RETRIES_FOR
from .words import moment

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
        # only what is offered: not every text is one that a database takes
        offered = self.value() in dict(self.lookup_choices)
        return queryset.filter(environment=self.value()) if offered else None


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


def last_used() -> Iterator[tuple[str, datetime]]:
    """What let events in, each with the moment of its last delivery: two looks at an index each."""
    credential = ""
    for _number in range(OFFERED):
        rest = WebhookEvent.objects.filter(credential__gt=credential)
        ordered = rest.order_by("credential", "-received_at", "-pk")
        newest = ordered.only("credential", "received_at").first()
        if newest is None:
            return
        credential = newest.credential
        # a row that began earlier may have been delivered later, within the hour of its repeats
        lately = WebhookEvent.objects.filter(
            credential=credential, received_at__gte=newest.received_at - VWO_RETRIES_FOR
        )
        yield credential, lately.aggregate(at=Max("last_received_at"))["at"]


class ByCredential(SimpleListFilter):
    """Says of each secret when it was last used: an old one that rests can be taken out."""

    title = _("secret, and its last use")
    parameter_name = "credential"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        used = list(last_used())
        return [(name, f"{name}: {moment(at)}") for name, at in used] if len(used) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        offered = self.value() in dict(self.lookup_choices)
        return queryset.filter(credential=self.value()) if offered else None
