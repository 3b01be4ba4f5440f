from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..changes import compare
from ..models import SettingsSnapshot, WebhookEvent
from .missed import ByWebhook, with_missed
from .trail import TrailAdmin
from .words import NOTHING, badge, document, headline, moment, shortened

OFFERED = 20


@admin.register(SettingsSnapshot)
class SettingsSnapshotAdmin(TrailAdmin):
    list_display = ["number", "created", "first_change", "found_by", "in_force", "environment"]
    list_filter = ["cause", ByWebhook]
    sortable_by = ["number"]
    fieldsets = [
        (None, {"fields": ["number", "in_force", "created", "found_by", "environment", "digest"]}),
        (_("Document"), {"fields": ["body"], "classes": ["collapse"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        snapshots: Any = super().get_queryset(request)
        return with_missed(snapshots.defer("settings", "changes").with_in_force())

    def details(self, request: HttpRequest, snapshot: SettingsSnapshot) -> dict[str, Any]:
        family = SettingsSnapshot.objects.filter(
            environment=snapshot.environment, key_digest=snapshot.key_digest
        ).only("pk", "created_at", "environment", "key_digest")
        previous = family.filter(pk__lt=snapshot.pk).order_by("-pk").first()
        return {
            "previous": previous,
            "next": family.filter(pk__gt=snapshot.pk).order_by("pk").first(),
            "brought_by": self._brought_by(request, snapshot),
            "offered": family.exclude(pk=snapshot.pk).order_by("-pk")[:OFFERED],
            **self._compared(request, snapshot, previous),
        }

    def _compared(
        self, request: HttpRequest, snapshot: SettingsSnapshot, previous: SettingsSnapshot | None
    ) -> dict[str, Any]:
        """With any other snapshot; unless one is named, what was stored with this one."""
        wanted = request.GET.get("compare_to", "").strip().removeprefix("#")
        if not wanted:
            comparison = self.tabulated(request, snapshot.changes)
            return {"before": previous, "after": snapshot, "comparison": comparison}
        others = SettingsSnapshot.objects.defer("changes")
        other = others.filter(pk=int(wanted)).first() if wanted.isdecimal() else None
        if other is None:
            return {"compare_to": wanted, "unknown": shortened(wanted)}
        before, after = sorted((other, snapshot), key=lambda each: each.pk)
        return {
            "compare_to": other.pk,
            "before": before,
            "after": after,
            "other": other,
            "same_site": _site(other) == _site(snapshot),
            "comparison": self.tabulated(request, compare(before.settings, after.settings)),
        }

    def _brought_by(
        self, request: HttpRequest, snapshot: SettingsSnapshot
    ) -> list[tuple[WebhookEvent, str]]:
        if not self.may_view(request, WebhookEvent):
            return []
        events = snapshot.events.filter(outcome=WebhookEvent.Outcome.CHANGED)
        newest = events.only("snapshot", "action", "event").order_by("-pk")[:OFFERED]
        return [(event, self.url(WebhookEvent, "change", event.pk)) for event in newest]

    def as_json(self, row: SettingsSnapshot) -> dict[str, Any]:
        names = ["id", "environment", "created_at", "cause", "digest", "changes", "settings"]
        return {name: getattr(row, name) for name in names}

    @admin.display(description=_("number"), ordering="pk")
    def number(self, snapshot: SettingsSnapshot) -> str:
        return str(snapshot)

    @admin.display(description=_("created at"))
    def created(self, snapshot: SettingsSnapshot) -> str:
        return moment(snapshot.created_at)

    @admin.display(description=_("cause"))
    def found_by(self, snapshot: Any) -> str:
        if snapshot.is_missed:
            return badge("missed", gettext("webhook missed"))
        return str(snapshot.get_cause_display())

    @admin.display(description=_("first change"))
    def first_change(self, snapshot: SettingsSnapshot) -> str:
        return headline(snapshot)

    @admin.display(description=_("in force"))
    def in_force(self, snapshot: Any) -> str:
        return badge("fresh", gettext("in force")) if snapshot.is_in_force else NOTHING

    @admin.display(description=_("settings"))
    def body(self, snapshot: SettingsSnapshot) -> SafeString:
        return document(snapshot.settings, gettext("Settings"))


def _site(snapshot: SettingsSnapshot) -> tuple[str, str]:
    return snapshot.environment, snapshot.key_digest
