from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..changes import compare
from ..models import SettingsSnapshot, WebhookEvent
from ..models.clock import DatabaseClock
from .base import ReadOnlyAdmin
from .display import EMPTY_DISPLAY, badge, format_time, headline, json_block, one_line, row_number
from .filters import MissedWebhookFilter

MOST_SUGGESTIONS = 20


@admin.register(SettingsSnapshot)
class SettingsSnapshotAdmin(ReadOnlyAdmin):
    list_display = [
        "number",
        "created",
        "first_change",
        "cause_or_missed",
        "in_force",
        "environment",
    ]
    list_filter = ["cause", MissedWebhookFilter]
    sortable_by = ["number"]
    # the template has the headings: some themes drop those of fieldsets
    fieldsets = [
        (None, {"fields": ["number", "in_force", "created", "cause_or_missed"]}),
        (None, {"fields": ["environment", "digest", "settings_block"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        snapshots: Any = super().get_queryset(request)
        annotated: models.QuerySet[Any] = snapshots.with_in_force().with_missed(
            DatabaseClock.read(snapshots.db).now()
        )
        return annotated.defer("settings", "changes")

    def page_context(self, request: HttpRequest, snapshot: SettingsSnapshot) -> dict[str, Any]:
        same_site = SettingsSnapshot.objects.filter(
            environment=snapshot.environment, key_digest=snapshot.key_digest
        ).only("pk", "created_at", "environment", "key_digest")
        previous = same_site.older_than(snapshot).newest_first().first()
        others = same_site.exclude(pk=snapshot.pk).newest_first()
        return {
            "previous": previous,
            "next": same_site.newer_than(snapshot).oldest_first().first(),
            "brought_by": self._brought_by(request, snapshot),
            "suggestions": [
                (str(other.pk), format_time(other.created_at))
                for other in others[:MOST_SUGGESTIONS]
            ],
            **self._compared(request, snapshot, previous),
        }

    def _compared(
        self, request: HttpRequest, snapshot: SettingsSnapshot, previous: SettingsSnapshot | None
    ) -> dict[str, Any]:
        """The comparison with the snapshot that the URL names, or else with the previous one."""
        wanted = request.GET.get("compare_to", "").strip().removeprefix("#")
        if not wanted:
            comparison = self.comparison(request, snapshot.changes)
            return {"before": previous, "after": snapshot, "comparison": comparison}
        others = SettingsSnapshot.objects.defer("changes")
        number = row_number(wanted)
        other = others.filter(pk=number).first() if number else None
        if other is None:
            return {"compare_to": wanted, "unknown": one_line(wanted)}
        before, after = sorted((other, snapshot), key=lambda each: each.pk)
        return {
            "compare_to": other.pk,
            "before": before,
            "after": after,
            "other": other,
            "same_site": _site(other) == _site(snapshot),
            "comparison": self.comparison(request, compare(before.settings, after.settings)),
        }

    def _brought_by(
        self, request: HttpRequest, snapshot: SettingsSnapshot
    ) -> list[tuple[WebhookEvent, str]]:
        if not self.may_view(request, WebhookEvent):
            return []
        events = snapshot.events.filter(outcome=WebhookEvent.Outcome.CHANGED)
        newest = events.only("snapshot", "action", "event").order_by("-pk")[:MOST_SUGGESTIONS]
        return [(event, self.page_url(WebhookEvent, "change", event.pk)) for event in newest]

    def to_json(self, snapshot: SettingsSnapshot) -> dict[str, Any]:
        names = ["id", "environment", "created_at", "cause", "digest", "changes", "settings"]
        return {name: getattr(snapshot, name) for name in names}

    @admin.display(description=_("number"), ordering="pk")
    def number(self, snapshot: SettingsSnapshot) -> str:
        return str(snapshot)

    @admin.display(description=_("created at"))
    def created(self, snapshot: SettingsSnapshot) -> str:
        return format_time(snapshot.created_at)

    @admin.display(description=_("cause"))
    def cause_or_missed(self, snapshot: Any) -> str:
        if snapshot.is_missed:
            return badge("missed", gettext("webhook missed"))
        return str(snapshot.get_cause_display())

    @admin.display(description=_("what changed"))
    def first_change(self, snapshot: SettingsSnapshot) -> str:
        return format_html("<bdi>{}</bdi>", headline(snapshot))

    @admin.display(description=_("in force"))
    def in_force(self, snapshot: Any) -> str:
        return badge("fresh", gettext("in force")) if snapshot.is_in_force else EMPTY_DISPLAY

    @admin.display(description=_("settings"))
    def settings_block(self, snapshot: SettingsSnapshot) -> SafeString:
        return json_block(snapshot.settings, gettext("Settings"))


def _site(snapshot: SettingsSnapshot) -> tuple[str, str]:
    return snapshot.environment, snapshot.key_digest
