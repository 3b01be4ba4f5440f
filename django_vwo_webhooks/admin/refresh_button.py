"""The button “Refresh now”."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext

from ..exceptions import RefreshFailed
from ..models import SettingsSnapshot
from ..refresh import refresh_settings
from .base import ReadOnlyAdmin, reports_missing_tables
from .stored_texts import in_readers_language


class RefreshButtonAdmin(ReadOnlyAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.refresh_view)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_refresh"
        return [path("refresh/", view, name=name), *super().get_urls()]

    def may_refresh(self, request: HttpRequest) -> bool:
        """Not ``has_change_permission``, which nobody has, since rows are never edited."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def refresh_url(self, request: HttpRequest) -> str | None:
        """The URL for the button, for those who may refresh."""
        return self.page_url(self.model, "refresh") if self.may_refresh(request) else None

    @reports_missing_tables
    def refresh_view(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.may_refresh(request):
            raise PermissionDenied
        before = SettingsSnapshot.objects.only("pk").in_force()
        try:
            snapshot = refresh_settings()
        except RefreshFailed as failure:
            reason = in_readers_language(str(failure))
            message = gettext("VWO's settings were not refreshed: %s") % reason
            messages.error(request, message)
        else:
            number = len(snapshot.changes)
            changes = ngettext("%d change", "%d changes", number) % number
            message = gettext(
                "VWO's settings were refreshed: %(snapshot)s is in force, %(changes)s."
            ) % {
                "snapshot": snapshot,
                "changes": gettext("unchanged") if snapshot == before else changes,
            }
            messages.success(request, message)
        self.log_staff_action(request, gettext("Refresh now"), message)
        return HttpResponseRedirect(self._next_url(request))

    def _next_url(self, request: HttpRequest) -> str:
        wanted = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
            return wanted
        return self.page_url(self.model, "changelist")
