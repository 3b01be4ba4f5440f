"""The URLs of a site with an ``AdminSite`` of its own beside Django's default one."""

from django.contrib.admin import AdminSite
from django.urls import include, path

from django_vwo_webhooks.admin import KillSwitchAdmin, SettingsSnapshotAdmin, WebhookEventAdmin
from django_vwo_webhooks.models import KillSwitch, SettingsSnapshot, WebhookEvent

ops = AdminSite(name="ops")
ops.register(WebhookEvent, WebhookEventAdmin)
ops.register(KillSwitch, KillSwitchAdmin)
ops.register(SettingsSnapshot, SettingsSnapshotAdmin)

urlpatterns = [
    path("ops/", ops.urls),
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
]
