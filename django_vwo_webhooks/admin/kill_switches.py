import time
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import connections, models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import kill_switch
from ..conf import app_settings
from ..models import KillSwitch
from ..models.clock import DatabaseClock, UnixNow
from .base import ReadOnlyAdmin, reports_missing_tables
from .display import EMPTY_DISPLAY, badge, format_time, one_line, text_block

ENDS: dict[str, tuple[float | None, Any]] = {
    "hour": (3600.0, _("in an hour")),
    "day": (kill_switch.DAY_SECONDS, _("in a day")),
    "released": (None, _("when it is released")),
}


class KillSwitchForm(forms.ModelForm):  # type: ignore[type-arg]
    end = forms.ChoiceField(
        label=capfirst(_("ends")),
        choices=[(key, label) for key, (_seconds, label) in ENDS.items()],
        initial="day",
        widget=forms.RadioSelect,
    )

    class Meta:
        model = KillSwitch
        fields = ["flag", "reason"]
        labels = {"flag": capfirst(_("key of the flag"))}
        widgets = {"reason": forms.Textarea(attrs={"rows": 3})}

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors:
            try:
                kill_switch.check(self.cleaned_data["flag"], self.cleaned_data["reason"])
            except ValueError as error:
                self.add_error(None, str(error))
        return cleaned


@admin.register(KillSwitch)
class KillSwitchAdmin(ReadOnlyAdmin):
    form = KillSwitchForm
    list_display = ["flag_key", "state", "reason_line", "used_by", "used", "ends"]
    search_fields = ["flag", "reason", "used_by"]
    search_help_text = _("Part of a flag’s key, of a reason or of a name")
    sortable_by = ["used"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "flag_key",
                    "state",
                    "reason_block",
                    "used_by",
                    "used",
                    "ends",
                    "ended",
                    "released_by",
                    "environment",
                ]
            },
        )
    ]
    add_fieldsets = [
        (
            None,
            {
                "fields": ["flag", "reason", "end"],
                "description": _(
                    "The flag is off on this site, whatever VWO says, with each variable at its "
                    "default. It sends no impressions meanwhile."
                ),
            },
        )
    ]

    # who may do what

    def may_use(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.use_kill_switch"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_use(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_use(request) or super().has_view_permission(request, obj)

    # the pages

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        switches: Any = super().get_queryset(request)
        annotated: models.QuerySet[Any] = switches.annotate(unix_now=UnixNow())
        return annotated

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        add_view, release_view = map(self._committing, (self.add_view, self.release_view))
        return [
            path("add/", add_view, name=f"{name}_add"),
            path("<path:object_id>/release/", release_view, name=f"{name}_release"),
            *super().get_urls(),
        ]

    def _committing(self, view: Any) -> Any:
        """A view that commits by itself, also under ATOMIC_REQUESTS."""
        view = self.admin_site.admin_view(view)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    @reports_missing_tables
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        if object_id is None:
            # without the transaction that Django has around it: the switch commits by itself
            view: Any = self._changeform_view  # type: ignore[attr-defined]
            response: HttpResponse = view(request, None, form_url, extra_context)
            return response
        return super().changeform_view(request, object_id, form_url, extra_context)

    @reports_missing_tables
    def release_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.may_use(request):
            raise PermissionDenied
        switch = self.get_object(request, unquote(object_id))
        if switch is None:
            raise Http404
        released = kill_switch.release(switch.flag, by=_who(request), only=switch.pk)
        if released is None:
            messages.warning(request, gettext("This kill switch was no longer in use."))
        else:
            message = gettext("Released: VWO decides about %s again.") % released
            messages.success(request, message)
            self.log_change(request, released, message)
        return redirect(self.page_url(self.model, "change", switch.pk))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        seconds, _label = ENDS[form.cleaned_data["end"]]
        used = kill_switch.use(obj.flag, reason=obj.reason, by=_who(request), seconds=seconds)
        obj.__dict__.update(vars(used))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        (title, options), *_rest = self.fieldsets
        ended = [] if obj.released_at is None else ["ended", "released_by"]
        fields = [
            name
            for name in options["fields"]
            if name not in ("ended", "released_by") or name in ended
        ]
        return [(title, {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else super().get_readonly_fields(request, obj)

    def page_context(self, request: HttpRequest, switch: KillSwitch) -> dict[str, Any]:
        switches = KillSwitch.objects.only("pk", "flag", "used_at")
        of_this_site = switch.environment == app_settings.environment
        may_release = self.may_use(request) and of_this_site and self._is_in_use(switch)
        return {
            "previous": switches.older_than(switch).newest_first().first(),
            "next": switches.newer_than(switch).oldest_first().first(),
            "release_url": self.page_url(self.model, "release", switch.pk) if may_release else None,
        }

    def to_json(self, switch: KillSwitch) -> dict[str, Any]:
        names = ["id", "environment", "flag", "reason", "used_by", "used_at", "until"]
        return {name: getattr(switch, name) for name in [*names, "released_by", "released_at"]}

    # the cells

    def _is_in_use(self, switch: Any) -> bool:
        in_use: bool = switch.is_in_use(DatabaseClock(switch.unix_now, time.monotonic()))
        return in_use

    @admin.display(description=_("flag"))
    def flag_key(self, switch: KillSwitch) -> str:
        return one_line(switch.flag)

    @admin.display(description=_("state"))
    def state(self, switch: KillSwitch) -> str:
        if not self._is_in_use(switch):
            return gettext("ended")
        if not switch.is_ours:
            return badge("stale", gettext("not in force: of another SDK key or environment"))
        return badge("switched_off", gettext("in use"))

    @admin.display(description=_("reason"))
    def reason_line(self, switch: KillSwitch) -> str:
        return one_line(switch.reason)

    @admin.display(description=_("reason"))
    def reason_block(self, switch: KillSwitch) -> SafeString:
        return text_block(switch.reason, gettext("Reason"), wrap=True)

    @admin.display(description=_("used at"), ordering="used_at")
    def used(self, switch: KillSwitch) -> str:
        return format_time(switch.used_at)

    @admin.display(description=_("until"))
    def ends(self, switch: KillSwitch) -> str:
        return gettext("released") if switch.until is None else format_time(switch.until)

    @admin.display(description=_("ended at"))
    def ended(self, switch: KillSwitch) -> str:
        return format_time(switch.released_at) if switch.released_at else EMPTY_DISPLAY


def _who(request: HttpRequest) -> str:
    return request.user.get_username()
