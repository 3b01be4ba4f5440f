import ipaddress
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import connections, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..exceptions import RefreshFailed
from ..models import SettingsSnapshot, WebhookEvent
from ..refresh import refresh_settings
from ..status import fleet_status
from .trail import TrailAdmin
from .words import NOTHING, badge, block, document, duration, first_sentence, sentences, shortened


@admin.register(WebhookEvent)
class WebhookEventAdmin(TrailAdmin):
    list_display = [
        "received_at",
        "what",
        "triggered_by",
        "outcome_badge",
        "first_change",
        "deliveries",
        "delay",
        "took",
    ]
    list_filter = ["outcome", "received_at"]
    search_fields = ["action", "event", "triggered_by"]
    search_help_text = _("Action, event, triggered by, or a whole remote address")
    # the one column with an index to sort by
    sortable_by = ["received_at"]
    date_hierarchy = "received_at"
    fieldsets = [
        (
            None,
            {"fields": ["what", "outcome_badge", "reason", "what_changed", "settings_number"]},
        ),
        (
            _("Timing"),
            {
                "fields": [
                    "timestamp",
                    "received_at",
                    "delay",
                    "last_received_at",
                    "deliveries",
                    "finished_at",
                    "took",
                ]
            },
        ),
        (
            _("Delivery"),
            {"fields": ["event", "action", "triggered_by", "remote_addr", "environment", "body"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        # not joined: a page of events may share one snapshot with a long list of changes
        snapshots = SettingsSnapshot.objects.only("pk", "changes")
        events = super().get_queryset(request).defer("payload")
        return events.prefetch_related(models.Prefetch("snapshot", queryset=snapshots))

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        try:
            address = str(ipaddress.ip_address(search_term.strip()))
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(remote_addr=address), False

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
        LogEntry.objects.create(
            user_id=str(request.user.pk),
            content_type=ContentType.objects.get_for_model(WebhookEvent),
            object_repr=gettext("Refresh now"),
            action_flag=CHANGE,
            change_message=said,
        )
        return HttpResponseRedirect(self._back(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {**self._button(request), "fleet": fleet_status(), **(extra_context or {})}
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**self._button(request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def _button(self, request: HttpRequest) -> dict[str, Any]:
        name = f"{self.admin_site.name}:django_vwo_webhooks_webhookevent_refresh"
        return {"refresh_url": reverse(name) if self.may_refresh(request) else None}

    def _back(self, request: HttpRequest) -> str:
        wanted = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
            return wanted
        return reverse(f"{self.admin_site.name}:django_vwo_webhooks_webhookevent_changelist")

    @admin.display(description=_("action"), ordering="action")
    def what(self, event: WebhookEvent) -> str:
        return shortened(event.action or event.event)

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_badge(self, event: WebhookEvent) -> SafeString:
        return badge(event.outcome, event.get_outcome_display())

    @admin.display(description=_("first change"))
    def first_change(self, event: WebhookEvent) -> str:
        changed = event.outcome == WebhookEvent.Outcome.CHANGED
        return first_sentence(event.snapshot) if changed else shortened(event.error) or NOTHING

    @admin.display(description=_("reason"))
    def reason(self, event: WebhookEvent) -> str:
        return block(event.error, gettext("Reason"), wrap=True) if event.error else NOTHING

    @admin.display(description=_("what changed"))
    def what_changed(self, event: WebhookEvent) -> str:
        changed = event.outcome == WebhookEvent.Outcome.CHANGED
        return sentences(event.snapshot) if changed else NOTHING

    @admin.display(description=_("settings in force"))
    def settings_number(self, event: WebhookEvent) -> str:
        if event.snapshot is None:
            return NOTHING
        page = "admin:django_vwo_webhooks_settingssnapshot_change"
        url = reverse(page, args=[event.snapshot.pk], current_app=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', url, event.snapshot)

    @admin.display(description=_("payload"))
    def body(self, event: WebhookEvent) -> str:
        return document(event.payload, gettext("Payload"))

    @admin.display(description=_("delay"))
    def delay(self, event: WebhookEvent) -> str:
        """From the change, by VWO's clock in whole seconds, to its arrival."""
        if event.timestamp is None:
            return NOTHING
        return duration((event.received_at - event.timestamp).total_seconds())

    @admin.display(description=_("refresh took"), ordering="refresh_seconds")
    def took(self, event: WebhookEvent) -> str:
        return NOTHING if event.refresh_seconds is None else duration(event.refresh_seconds)
