from typing import Any

from django.core.management.base import CommandError

from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.management.base import DatabaseCommand
from django_vwo_webhooks.models import RefreshLease, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings


class Command(DatabaseCommand):
    help = "Fetches VWO's settings now; the processes of the fleet follow by themselves."

    def handle(self, **options: Any) -> None:
        WebhookEvent.objects.close_overdue(RefreshLease.objects.read().clock.now())
        try:
            snapshot = refresh_settings()
        except RefreshFailed as failure:
            raise CommandError(str(failure)) from failure
        self.stdout.write(f"Settings #{snapshot.pk} are in force.")
