import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import Error, connections, router
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from ..connections import RUN_MIGRATE, lacks_table
from ..models import KillSwitch, WebhookEvent
from ..models.text import fitting
from .changelist import BoundedPaginator, IndexedChangeList
from .comparison import Comparison, tabulate
from .display import EMPTY_DISPLAY, format_time

logger = logging.getLogger("django_vwo_webhooks")

View = TypeVar("View", bound=Callable[..., HttpResponse])


def reports_missing_tables(view: View) -> View:
    """Let a view of the admin answer with what to run where the tables have not been migrated.

    In plain text: inside the transaction that the failed statement has broken, the admin's own
    templates could not ask for the user's permissions.
    """

    @functools.wraps(view)
    def reported(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except Error as error:
            if not lacks_table(error):
                raise
            logger.warning(RUN_MIGRATE)
            return HttpResponse(f"{RUN_MIGRATE}\n", content_type="text/plain", status=503)

    return cast("View", reported)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that nobody adds, changes or deletes by hand."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    empty_value_display = EMPTY_DISPLAY

    class Media:
        css = {"all": ["django_vwo_webhooks/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IndexedChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fieldsets = self.get_fieldsets(request, obj)
        return [str(name) for _title, options in fieldsets for name in options["fields"]]

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_json"
        view = self.admin_site.admin_view(self.json_view)
        return [path("<path:object_id>/json/", view, name=name), *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            json_url = self.page_url(self.model, "json", obj.pk)
            context.update(json_url=json_url, **self.page_context(request, obj))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page of ``row`` shows beside its fields."""
        raise NotImplementedError

    @reports_missing_tables
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = dict(extra_context or {})
        if request.method == "GET" and "kill_switches" not in context:
            context["kill_switches"] = self.named_switches(request, KillSwitch.objects.in_use())
        return super().changelist_view(request, context)

    def named_switches(
        self, request: HttpRequest, switches: Iterable[KillSwitch]
    ) -> list[tuple[KillSwitch, str, str | None]]:
        """The kill switches that a list names above its rows, each with its end and its URL."""
        return [
            (
                switch,
                format_time(switch.until) if switch.until else "",
                self.row_url(request, switch),
            )
            for switch in switches
        ]

    @reports_missing_tables
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        return super().changeform_view(request, object_id, form_url, extra_context)

    @reports_missing_tables
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        return super().history_view(request, object_id, extra_context)

    @reports_missing_tables
    def json_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The whole row, however long, as a file."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        name = f'attachment; filename="{self.opts.model_name}-{row.pk}.json"'
        return JsonResponse(self.to_json(row), headers={"Content-Disposition": name})

    def to_json(self, row: Any) -> dict[str, Any]:
        """What the JSON file of ``row`` contains."""
        raise NotImplementedError

    def page_url(self, model: type[Model], page: str, *args: Any) -> str:
        name = f"{self.admin_site.name}:{model._meta.app_label}_{model._meta.model_name}_{page}"
        return reverse(name, args=args)

    def row_url(self, request: HttpRequest, row: Model | None) -> str | None:
        """The URL of the page of ``row``, for those who may view it."""
        if row is None or not self.may_view(request, type(row)):
            return None
        return self.page_url(type(row), "change", row.pk)

    def may_view(self, request: HttpRequest, model: type[Model]) -> bool:
        site = self.admin_site
        return site.is_registered(model) and site.get_model_admin(model).has_view_permission(
            request
        )

    def comparison(self, request: HttpRequest, changes: list[dict[str, Any]]) -> Comparison:
        """``changes`` as tables, each with a link to all events that changed its flag."""
        if not self.may_view(request, WebhookEvent):
            return tabulate(changes)
        events = self.page_url(WebhookEvent, "changelist")
        return tabulate(changes, lambda key: f"{events}?{urlencode({'feature': key})}")

    def log_staff_action(self, request: HttpRequest, action: str, message: str) -> None:
        """Add what the user did to the admin's history."""
        LogEntry.objects.create(
            user_id=str(request.user.pk),
            content_type=ContentType.objects.get_for_model(self.model),
            object_id=None,
            object_repr=action,
            action_flag=CHANGE,
            # for instance with a dash, which not every character set has
            change_message=fitting(message, connections[router.db_for_write(LogEntry)]),
        )
