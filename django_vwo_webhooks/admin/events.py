from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connections, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..exceptions import RefreshFailed
from ..models import SettingsSnapshot, WebhookEvent
from ..refresh import refresh_settings
from ..status import fleet_status
from .export import as_csv, as_json, newer_than, older_than, record, streamed
from .filters import ByCredential, ByEnvironment, ByFeature, found
from .lists import NearPaginator
from .missed import missed_lately
from .picture import DAYS, draw
from .timing import delay, steps
from .trail import TrailAdmin
from .words import (
    NOTHING,
    STATES,
    badge,
    block,
    document,
    duration,
    fleet,
    headline,
    moment,
    shortened,
)


@admin.register(WebhookEvent)
class WebhookEventAdmin(TrailAdmin):
    list_display = [
        "received",
        "outcome_badge",
        "first_change",
        "what",
        "who",
        "times",
        "delay",
        "took",
    ]
    list_filter = ["outcome", "received_at", ByEnvironment, ByCredential, ByFeature]
    search_fields = ["action"]
    search_help_text = _(
        "The whole key of a flag, or a whole action, “triggered by”, remote address or number"
    )
    sortable_by = ["received"]
    actions = ["export_csv", "export_json"]
    fieldsets = [
        (None, {"fields": ["what", "outcome_badge", "reason"]}),
        (
            _("Delivery"),
            {
                "fields": [
                    "event",
                    "triggered_by",
                    "credential",
                    "remote_addr",
                    "environment",
                    "body",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        # not joined: a page of events may share one snapshot
        snapshots = SettingsSnapshot.objects.only("pk", "headline", "change_count")
        events = super().get_queryset(request).defer("payload")
        return events.prefetch_related(models.Prefetch("snapshot", queryset=snapshots))

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        term = search_term.strip()
        return (found(queryset, term) if term else queryset), False

    # the pages

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {}
        if request.method == "GET":
            status = fleet_status()
            missed = self.url(SettingsSnapshot, "changelist") + "?webhook=missed"
            context = {
                "fleet": status,
                "fleet_state": STATES[status.state],
                "fleet_words": fleet(status),
                "fleet_since": moment(status.since),
                "missed": missed_lately(DAYS),
                "missed_url": missed if self.may_view(request, SettingsSnapshot) else None,
                "picture": draw(),
                "refresh_url": self._refresh_url(request),
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

    def details(self, request: HttpRequest, event: WebhookEvent) -> dict[str, Any]:
        events = WebhookEvent.objects.only("pk", "event", "action")
        changed = event.outcome == WebhookEvent.Outcome.CHANGED and event.snapshot
        return {
            "previous": events.filter(older_than(event)).order_by("-received_at", "-pk").first(),
            "next": events.filter(newer_than(event)).order_by("received_at", "pk").first(),
            "snapshot_url": self.link(request, event.snapshot),
            "comparison": self.tabulated(request, changed.changes) if changed else None,
            "steps": steps(event),
            "refresh_url": self._refresh_url(request),
        }

    def as_json(self, row: WebhookEvent) -> dict[str, Any]:
        return record(row)

    # the actions

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.refresh_view)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return [
            path("refresh/", view, name="django_vwo_webhooks_webhookevent_refresh"),
            *super().get_urls(),
        ]

    def may_refresh(self, request: HttpRequest) -> bool:
        """``has_change_permission`` says no to everybody, since rows are not to be edited."""
        return bool(request.user.has_perm("django_vwo_webhooks.change_webhookevent"))

    def refresh_view(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.may_refresh(request):
            raise PermissionDenied
        before = (
            SettingsSnapshot.objects.ours().order_by("-pk").values_list("pk", flat=True).first()
        )
        try:
            snapshot = refresh_settings()
        except RefreshFailed as failure:
            said = gettext("VWO's settings were not refreshed: %s") % failure
            messages.error(request, said)
        else:
            number = len(snapshot.changes)
            news = ngettext("%d change", "%d changes", number) % number
            said = gettext("VWO's settings are fresh: %(snapshot)s is in force, %(news)s.") % {
                "snapshot": snapshot,
                "news": gettext("unchanged") if snapshot.pk == before else news,
            }
            messages.success(request, said)
        self.note(request, gettext("Refresh now"), said)
        return HttpResponseRedirect(self._back(request))

    @admin.action(description=_("Export as CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponseBase:
        self._note_export(request, queryset, "CSV")
        return streamed(request, as_csv(queryset), "text/csv; charset=utf-8", _file("csv"))

    @admin.action(description=_("Export as JSON"), permissions=["view"])
    def export_json(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponseBase:
        self._note_export(request, queryset, "JSON")
        return streamed(request, as_json(queryset), "application/json", _file("json"))

    def _note_export(self, request: HttpRequest, queryset: models.QuerySet[Any], form: str) -> None:
        said = gettext("Exported %(number)s webhook events; the list was filtered by: %(filter)s")
        self.note(
            request,
            gettext("Export as %s") % form,
            said
            % {"number": NearPaginator(queryset, 1), "filter": request.GET.urlencode() or NOTHING},
        )

    def _refresh_url(self, request: HttpRequest) -> str | None:
        return self.url(WebhookEvent, "refresh") if self.may_refresh(request) else None

    def _back(self, request: HttpRequest) -> str:
        wanted = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
            return wanted
        return self.url(WebhookEvent, "changelist")

    # the columns

    @admin.display(description=_("received at"), ordering="received_at")
    def received(self, event: WebhookEvent) -> str:
        return moment(event.received_at)

    @admin.display(description=_("action"))
    def what(self, event: WebhookEvent) -> str:
        return shortened(event.action or event.event)

    @admin.display(description=_("triggered by"))
    def who(self, event: WebhookEvent) -> str:
        return shortened(event.triggered_by) or NOTHING

    @admin.display(description=_("outcome"))
    def outcome_badge(self, event: WebhookEvent) -> SafeString:
        return badge(event.outcome, event.get_outcome_display())

    @admin.display(description=_("first change"))
    def first_change(self, event: WebhookEvent) -> str:
        changed = event.outcome == WebhookEvent.Outcome.CHANGED
        return headline(event.snapshot) if changed else shortened(event.error) or NOTHING

    @admin.display(description=_("reason"))
    def reason(self, event: WebhookEvent) -> str:
        return block(event.error, gettext("Reason"), wrap=True) if event.error else NOTHING

    @admin.display(description=_("payload"))
    def body(self, event: WebhookEvent) -> str:
        return document(event.payload, gettext("Payload"))

    @admin.display(description=_("deliveries"))
    def times(self, event: WebhookEvent) -> int:
        return event.deliveries

    @admin.display(description=_("delay"))
    def delay(self, event: WebhookEvent) -> str:
        seconds = delay(event)
        return NOTHING if seconds is None else duration(seconds)

    @admin.display(description=_("refresh took"))
    def took(self, event: WebhookEvent) -> str:
        return NOTHING if event.refresh_seconds is None else duration(event.refresh_seconds)


def _file(ending: str) -> str:
    return f"webhook-events-{timezone.now():%Y%m%d-%H%M%S}.{ending}"
