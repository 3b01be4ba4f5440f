from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..models import SettingsSnapshot, WebhookEvent
from .trail import TrailAdmin
from .words import NOTHING, document, first_sentence, sentences, shortened


@admin.register(SettingsSnapshot)
class SettingsSnapshotAdmin(TrailAdmin):
    list_display = ["number", "created_at", "cause", "first_change", "in_force", "environment"]
    list_filter = ["cause"]
    date_hierarchy = "created_at"
    fieldsets = [
        (None, {"fields": ["number", "in_force", "created_at", "cause", "brought_by"]}),
        (_("Changes"), {"fields": ["what_changed"]}),
        (_("Document"), {"fields": ["environment", "digest", "body"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        snapshots: Any = super().get_queryset(request)
        newest: models.QuerySet[Any] = snapshots.defer("settings").with_newest()
        return newest

    @admin.display(description=_("number"), ordering="pk")
    def number(self, snapshot: SettingsSnapshot) -> str:
        return str(snapshot)

    @admin.display(description=_("first change"))
    def first_change(self, snapshot: SettingsSnapshot) -> str:
        return first_sentence(snapshot)

    @admin.display(description=_("in force"), boolean=True)
    def in_force(self, snapshot: SettingsSnapshot) -> bool:
        return bool(snapshot.is_newest)  # type: ignore[attr-defined]

    @admin.display(description=_("brought by"))
    def brought_by(self, snapshot: SettingsSnapshot) -> str:
        page = "admin:django_vwo_webhooks_webhookevent_change"
        brought = snapshot.events.filter(outcome=WebhookEvent.Outcome.CHANGED).defer("payload")
        links = [
            (
                reverse(page, args=[event.pk], current_app=self.admin_site.name),
                f"{shortened(event.action or event.event)} #{event.pk}",
            )
            for event in brought[:20]
        ]
        return format_html_join(", ", '<a href="{}">{}</a>', links) or NOTHING

    @admin.display(description=_("changes"))
    def what_changed(self, snapshot: SettingsSnapshot) -> str:
        return sentences(snapshot)

    @admin.display(description=_("settings"))
    def body(self, snapshot: SettingsSnapshot) -> str:
        return document(snapshot.settings, gettext("Settings"))
