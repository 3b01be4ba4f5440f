from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .words import NOTHING


class TrailAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that nobody adds, changes or deletes by hand."""

    show_full_result_count = False
    empty_value_display = NOTHING
    change_form_template = "admin/django_vwo_webhooks/change_form.html"
    change_list_template = "admin/django_vwo_webhooks/change_list.html"

    class Media:
        css = {"all": ["django_vwo_webhooks/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for _title, options in self.get_fieldsets(request) for name in _names(options)]


def _names(options: Any) -> list[str]:
    return list(options["fields"])
