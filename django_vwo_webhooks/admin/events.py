from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..changes import printable
from ..models import SettingsSnapshot, WebhookEvent
from ..status import fleet_status
from .base import reports_missing_tables
from .changelist import BoundedPaginator
from .chart import DAYS, daily_chart
from .display import (
    EMPTY_DISPLAY,
    LONGEST_REASON,
    badge,
    format_duration,
    format_time,
    headline,
    json_block,
    labelled,
    one_line,
    text_block,
)
from .export import csv_lines, event_as_json, json_lines, streamed
from .filters import CredentialFilter, EnvironmentFilter, FeatureFilter, search
from .first_steps import first_steps
from .refresh_button import RefreshButtonAdmin
from .stored_texts import in_readers_language
from .timing import delay_seconds, steps


@admin.register(WebhookEvent)
class WebhookEventAdmin(RefreshButtonAdmin):
    list_display = [
        "received",
        "outcome_badge",
        "first_change",
        "delivery_count",
        "delay",
    ]
    list_filter = ["outcome", "received_at", EnvironmentFilter, CredentialFilter, FeatureFilter]
    search_fields = ["action"]
    search_help_text = _(
        "A complete flag key, action, “triggered by”, remote address or event number"
    )
    sortable_by = ["received"]
    actions = ["export_csv", "export_json"]
    # the template has the headings: some themes drop those of fieldsets
    fieldsets = [
        (None, {"fields": ["received", "outcome_badge", "reason"]}),
        (
            None,
            {
                "fields": [
                    "event",
                    "whole_action",
                    "triggered_by",
                    "authenticated_by",
                    "remote_addr",
                    "environment",
                    "payload_block",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        # not joined: the events of a page may share one snapshot
        snapshots = SettingsSnapshot.objects.only("pk", "headline", "change_count")
        events = super().get_queryset(request).defer("payload")
        return events.prefetch_related(models.Prefetch("snapshot", queryset=snapshots))

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        term = search_term.strip()
        return (search(queryset, term) if term else queryset), False

    # the pages

    @reports_missing_tables
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {}
        if request.method == "GET":
            status = fleet_status()
            snapshots_url = self.page_url(SettingsSnapshot, "changelist")
            may_view_snapshots = self.may_view(request, SettingsSnapshot)
            context = {
                "fleet": status,
                "fleet_error": in_readers_language(status.error),
                "fleet_since": format_time(status.since),
                "refused_since": format_time(status.refused.since),
                "kill_switches": self.named_switches(
                    request, [*status.kill_switches, *status.foreign_kill_switches]
                ),
                "missed": _count_missed(status.now),
                "missed_url": f"{snapshots_url}?webhook=missed" if may_view_snapshots else None,
                "chart": daily_chart(status.now),
                "first_steps": None if status.last_event else first_steps(request, status),
                "refresh_url": self.refresh_url(request),
            }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_fieldsets(self, request: HttpRequest, obj: WebhookEvent | None = None) -> Any:
        if obj is None or obj.error:
            return self.fieldsets
        (title, first), *others = self.fieldsets
        return [
            (title, {"fields": [name for name in first["fields"] if name != "reason"]}),
            *others,
        ]

    def page_context(self, request: HttpRequest, event: WebhookEvent) -> dict[str, Any]:
        events = WebhookEvent.objects.only("pk", "event", "action")
        changed = event.outcome == WebhookEvent.Outcome.CHANGED and event.snapshot
        same_body = event.previous()
        return {
            "same_body": same_body,
            "same_body_url": self.row_url(request, same_body),
            "same_body_duration": same_body and _between(same_body, event),
            "previous": events.older_than(event).newest_first().first(),
            "next": events.newer_than(event).oldest_first().first(),
            "snapshot_url": self.row_url(request, event.snapshot),
            "comparison": self.comparison(request, changed.changes) if changed else None,
            "steps": steps(event),
            "refresh_url": self.refresh_url(request),
        }

    def to_json(self, event: WebhookEvent) -> dict[str, Any]:
        return event_as_json(event)

    # the actions

    @admin.action(description=_("Export as CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponseBase:
        self._log_export(request, queryset, "CSV")
        return streamed(request, csv_lines(queryset), "text/csv; charset=utf-8", _filename("csv"))

    @admin.action(description=_("Export as JSON"), permissions=["view"])
    def export_json(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponseBase:
        self._log_export(request, queryset, "JSON")
        return streamed(request, json_lines(queryset), "application/json", _filename("json"))

    def _log_export(
        self, request: HttpRequest, queryset: models.QuerySet[Any], file_format: str
    ) -> None:
        message = gettext(
            "Exported %(number)s webhook events; the list was filtered by: %(filter)s"
        ) % {
            "number": BoundedPaginator(queryset, 1),
            "filter": request.GET.urlencode() or EMPTY_DISPLAY,
        }
        self.log_staff_action(request, gettext("Export as %s") % file_format, message)

    # the columns and fields

    @admin.display(description=_("received at"), ordering="received_at")
    def received(self, event: WebhookEvent) -> str:
        return format_time(event.received_at)

    @admin.display(description=_("action"))
    def whole_action(self, event: WebhookEvent) -> str:
        return printable(event.action) or EMPTY_DISPLAY

    @admin.display(description=_("outcome"))
    def outcome_badge(self, event: WebhookEvent) -> SafeString:
        return badge(event.outcome, event.get_outcome_display())

    @admin.display(description=_("what changed"))
    def first_change(self, event: WebhookEvent) -> str:
        text = one_line(in_readers_language(event.error), LONGEST_REASON) or EMPTY_DISPLAY
        if event.outcome == WebhookEvent.Outcome.CHANGED:
            text = headline(event.snapshot)
        return format_html("<bdi>{}</bdi>", text)

    @admin.display(description=_("reason"))
    def reason(self, event: WebhookEvent) -> str:
        return text_block(in_readers_language(event.error), gettext("Reason"), wrap=True)

    @admin.display(description=_("authenticated by"))
    def authenticated_by(self, event: WebhookEvent) -> SafeString:
        # Django shows the help text of fields, and not of methods
        help_text = WebhookEvent._meta.get_field("credential").help_text
        name = in_readers_language(event.credential) or EMPTY_DISPLAY
        return format_html('{}<br><small dir="auto">{}</small>', name, help_text)

    @admin.display(description=_("payload"))
    def payload_block(self, event: WebhookEvent) -> str:
        return json_block(event.payload, gettext("Payload"))

    @admin.display(description=_("deliveries"))
    def delivery_count(self, event: WebhookEvent) -> SafeString:
        return labelled(gettext("deliveries"), str(event.deliveries))

    @admin.display(description=_("delay"))
    def delay(self, event: WebhookEvent) -> SafeString:
        seconds = delay_seconds(event)
        text = EMPTY_DISPLAY if seconds is None else format_duration(seconds)
        return labelled(gettext("delay"), text)


def _between(first: WebhookEvent, second: WebhookEvent) -> str:
    return format_duration((second.received_at - first.received_at).total_seconds())


def _count_missed(now: datetime) -> int:
    """How many webhooks this site missed in the days that the chart covers."""
    snapshots = SettingsSnapshot.objects.ours().filter(created_at__gte=now - timedelta(days=DAYS))
    return snapshots.with_missed(now).filter(models.Q(is_missed=True)).count()


def _filename(extension: str) -> str:
    return f"webhook-events-{timezone.now():%Y%m%d-%H%M%S}.{extension}"
