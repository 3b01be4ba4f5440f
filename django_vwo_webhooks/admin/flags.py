"""The flags in force, and which of them this site's code asks for."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from ..changes import printable, sentence
from ..flags import conditions, reach, rollout, rule_title, value_text, weight_text
from ..known_flags import events_of, known_flag_json, read_more
from ..models import Flag, KillSwitch, SettingsSnapshot, WebhookEvent
from ..models.clock import DatabaseClock
from ..models.snapshot import ChangedFeature
from .base import ReadOnlyAdmin
from .display import EMPTY_DISPLAY, badge, format_time, isolated, labelled, one_line
from .flag_list import (
    AskedFilter,
    FlagChangeList,
    StatusFilter,
    load_flags,
    status,
)

LONGEST_ROLLOUT = 160
MOST_HISTORY = 20

STATUSES = {
    "on": pgettext_lazy("switch", "on"),
    "off": pgettext_lazy("switch", "off"),
    "missing": _("not at VWO"),
    "unknown": _("no settings yet"),
}
BADGES = {"on": "changed", "off": "unchanged", "missing": "missed", "unknown": "unchanged"}


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin):
    list_display = [
        "key_and_name",
        "status_badge",
        "rollout_and_variables",
        "changed",
        "switched",
        "asked_at",
    ]
    list_display_links = ["key_and_name"]
    list_filter = [StatusFilter, AskedFilter]
    search_fields = ["key"]
    search_help_text = _("A part of a flag’s key or name")
    sortable_by = []
    actions = None
    paginator = Paginator  # type: ignore[assignment]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "flag_key",
                    "name",
                    "status_badge",
                    "rollout_words",
                    "changed",
                    "switched",
                    "first_asked",
                    "asked_at",
                ]
            },
        )
    ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may view the settings may view their flags."""
        return any(
            request.user.has_perm(f"{self.opts.app_label}.{action}_settingssnapshot")
            for action in ("view", "change")
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[FlagChangeList]:
        return FlagChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        flag = next((flag for flag in load_flags() if flag.pk == object_id), None)
        if flag is not None:
            self.complete(request, [flag])
        return flag

    def complete(self, request: HttpRequest, flags: list[Any]) -> None:
        """Give each of the flags that are shown what else its row shows, in four statements."""
        read_more(flags, events=self.may_view(request, WebhookEvent))
        for flag in flags:
            flag.last_snapshot_url = self.row_url(request, flag.last_snapshot)
            flag.last_event_url = self.row_url(request, flag.last_event)

    def page_context(self, request: HttpRequest, flag: Any) -> dict[str, Any]:
        settings = flag.settings
        return {
            "rules": [_rule(rule) for rule in settings.rules] if settings else [],
            "history": self._history(request, flag),
            "kill_switches": self.named_switches(request, flag.switches),
            "all_events_url": self._all_events_url(request, flag),
            "kill_switch_url": self._kill_switch_url(request, flag),
        }

    def _history(self, request: HttpRequest, flag: Any) -> list[dict[str, Any]]:
        """The newest changes of a flag, with links to their snapshots and events."""
        key = _key(flag)
        changed = ChangedFeature.objects.filter(feature=ChangedFeature.key(key))
        snapshots = list(
            SettingsSnapshot.objects.ours()
            .filter(pk__in=changed.values("snapshot"))
            .defer("settings")
            .newest_first()[:MOST_HISTORY]
        )
        events = events_of(snapshots) if self.may_view(request, WebhookEvent) else {}
        return [
            {
                "at": format_time(snapshot.created_at),
                "snapshot": snapshot,
                "snapshot_url": self.row_url(request, snapshot),
                "event": events.get(snapshot.pk),
                "event_url": self.row_url(request, events.get(snapshot.pk)),
                "changes": [
                    sentence(change) for change in snapshot.changes if change["feature"] == key
                ],
            }
            for snapshot in snapshots
        ]

    def _all_events_url(self, request: HttpRequest, flag: Any) -> str | None:
        if not self.may_view(request, WebhookEvent):
            return None
        return f"{self.page_url(WebhookEvent, 'changelist')}?{urlencode({'feature': _key(flag)})}"

    def _kill_switch_url(self, request: HttpRequest, flag: Any) -> str | None:
        """Where those who may do so switch a flag off on this site, or see its kill switch."""
        if flag.switch is not None:
            return self.row_url(request, flag.switch)
        if not self.admin_site.is_registered(KillSwitch):
            return None
        if not self.admin_site.get_model_admin(KillSwitch).has_add_permission(request):
            return None
        return f"{self.page_url(KillSwitch, 'add')}?{urlencode({'flag': _key(flag)})}"

    def to_json(self, flag: Any) -> dict[str, Any]:
        return known_flag_json(flag, DatabaseClock.read(Flag.objects.all().db).now())

    @admin.display(description=_("flag"))
    def key_and_name(self, flag: Any) -> str:
        key, name = _key(flag), flag.settings.name if flag.settings else ""
        if name in ("", key):
            return one_line(key)
        return format_html('{} <span class="vwo-name">{}</span>', one_line(key), one_line(name))

    @admin.display(description=_("key"))
    def flag_key(self, flag: Any) -> str:
        return printable(_key(flag))

    @admin.display(description=_("name"))
    def name(self, flag: Any) -> str:
        return printable(flag.settings.name) if flag.settings else EMPTY_DISPLAY

    @admin.display(description=_("status"))
    def status_badge(self, flag: Any) -> SafeString:
        value = status(flag)
        return badge(BADGES[value], str(STATUSES[value]))

    @admin.display(description=_("rollout"))
    def rollout_words(self, flag: Any) -> str:
        if flag.settings is None:
            return gettext("off for everybody")
        return isolated(one_line(rollout(flag.settings), LONGEST_ROLLOUT))

    @admin.display(description=_("rollout"))
    def rollout_and_variables(self, flag: Any) -> SafeString:
        """Below the rollout each variable, with the value that the first variation has for it."""
        variables = flag.settings.variables if flag.settings else []
        texts = (f"{printable(one.key)}: {value_text(one)}" for one in variables)
        return format_html(
            '<bdi>{}</bdi><bdi class="vwo-name">{}</bdi>',
            self.rollout_words(flag),
            one_line(", ".join(texts), LONGEST_ROLLOUT),
        )

    @admin.display(description=_("last changed"))
    def changed(self, flag: Any) -> str:
        if flag.last_snapshot is None:
            return labelled(gettext("last changed"), EMPTY_DISPLAY)
        text = _link(flag.last_snapshot_url, format_time(flag.last_snapshot.created_at))
        if flag.last_event is None:
            return labelled(gettext("last changed"), text)
        event = gettext("event #%(number)d") % {"number": flag.last_event.pk}
        both = format_html("{} ({})", text, _link(flag.last_event_url, event))
        return labelled(gettext("last changed"), both)

    @admin.display(description=_("switched off here"))
    def switched(self, flag: Any) -> str:
        if flag.switch is None:
            return labelled(gettext("switched off here"), gettext("no"))
        return badge("switched_off", gettext("switched off here"))

    @admin.display(description=_("last asked for"))
    def asked_at(self, flag: Any) -> str:
        if flag.last_asked_at is None:
            return labelled(gettext("last asked for"), gettext("never"))
        return labelled(gettext("last asked for"), format_time(flag.last_asked_at))

    @admin.display(description=_("first asked for"))
    def first_asked(self, flag: Any) -> str:
        return format_time(flag.first_asked_at)


def _key(flag: Flag) -> str:
    """The key as VWO has it; a stored one is escaped and may be cut."""
    return flag.settings.key if flag.settings else flag.key


def _link(url: str | None, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text) if url else format_html("{}", text)


def _rule(rule: Any) -> dict[str, Any]:
    """A rule as the page shows it."""
    return {
        "title": rule_title(rule),
        "reach": reach(rule),
        "tests": rule.tests,
        "variations": [
            {
                "name": printable(variation.name),
                "weight": weight_text(variation),
                "whitelist": conditions(variation),
                "variables": [
                    (printable(one.key), one.type, one_line(value_text(one), 300))
                    for one in variation.variables
                ],
            }
            for variation in rule.variations
        ],
    }
