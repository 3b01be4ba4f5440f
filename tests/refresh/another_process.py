"""Another process of the fleet, as it looks from the database."""

from django.db import transaction
from django.utils import timezone

from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot, WebhookEvent


def another_process_starts():
    RefreshLease.objects.update(expires_at=0)
    attempt = RefreshLease.objects.start(RefreshLease.objects.read())
    assert attempt is not None
    return attempt


def another_process_succeeds(attempt=None):
    """Ends an attempt of another process, by default one that starts now too."""
    attempt = attempt or another_process_starts()
    snapshot = SettingsSnapshot.objects.in_force()
    with transaction.atomic():
        assert RefreshLease.objects.succeed(attempt)
        WebhookEvent.objects.serve(
            attempt.attempt, snapshot, changed=False, seconds=0.1, at=timezone.now()
        )
