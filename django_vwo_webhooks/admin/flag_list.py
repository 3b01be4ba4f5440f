"""The list of flags: made of the settings in force, so it is filtered and paged in Python."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import InvalidPage
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..known_flags import known_flags
from ..models import Flag
from ..models.clock import DatabaseClock


class FlagFilter(SimpleListFilter):
    """A filter whose ``queryset`` takes and returns a list of flags."""

    choices_offered: list[tuple[str, Any]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return self.choices_offered

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = self.value()
        return [flag for flag in queryset if self.matches(flag, wanted)] if wanted else queryset

    def matches(self, flag: Any, wanted: str) -> bool:
        raise NotImplementedError


class StatusFilter(FlagFilter):
    title = _("status")
    parameter_name = "status"
    choices_offered = [("on", _("On")), ("off", _("Off")), ("missing", _("Not at VWO"))]

    def matches(self, flag: Any, wanted: str) -> bool:
        return bool(status(flag) == wanted)


class AskedFilter(FlagFilter):
    title = _("use in this site’s code")
    parameter_name = "asked"
    choices_offered = [
        ("yes", _("In the last 30 days")),
        ("no", _("Not in the last 30 days")),
        ("missing", _("Asked for, not at VWO")),
    ]

    def matches(self, flag: Any, wanted: str) -> bool:
        if wanted == "missing":
            return flag.asked and flag.at_vwo is False
        return bool(flag.asked == (wanted == "yes"))


def status(flag: Flag) -> str:
    """The value of ``StatusFilter`` that finds this flag."""
    if flag.at_vwo is None:
        return "unknown"
    if flag.settings is None:
        return "missing"
    return "on" if flag.settings.is_on else "off"


def load_flags() -> list[Any]:
    """All known flags, each with ``asked``: whether it was asked for recently."""
    now = DatabaseClock.read(Flag.objects.all().db).now()
    flags: list[Any] = known_flags()
    for flag in flags:
        flag.asked = flag.is_asked_for(now)
    return flags


class FlagChangeList(ChangeList):
    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """The flags that match the search and the filters: a list, not a query."""
        self.filter_specs, self.has_filters, unknown, _distinct, self.has_active_filters = (
            self.get_filters(request)
        )
        if unknown:
            raise IncorrectLookupParameters
        self.clear_all_filters_qs = self.get_query_string(remove=self.get_filters_params())
        flags: Any = load_flags()
        self.full_result_count = len(flags)
        for one in self.filter_specs:
            flags = one.queryset(request, flags)
        term = self.query.strip().lower()
        return [flag for flag in flags if term in flag.key.lower() or term in _name(flag)]

    def get_results(self, request: HttpRequest) -> None:
        flags: Any = self.queryset
        model_admin: Any = self.model_admin
        self.paginator = model_admin.get_paginator(request, flags, self.list_per_page)
        self.result_count = len(flags)
        self.show_full_result_count = True
        self.show_admin_actions = False
        self.can_show_all = self.result_count <= self.list_max_show_all
        self.multi_page = self.result_count > self.list_per_page
        if not self.multi_page or (self.show_all and self.can_show_all):
            self.result_list = flags
        else:
            try:
                self.result_list = self.paginator.page(self.page_num).object_list
            except InvalidPage:
                raise IncorrectLookupParameters from None
        model_admin.complete(request, self.result_list)


def _name(flag: Flag) -> str:
    return flag.settings.name.lower() if flag.settings else ""
