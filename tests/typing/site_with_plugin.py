"""What a site writes that uses the mypy plugin of django-stubs too: the managers' own methods.

Checked by mypy as ``.ci/check-types`` runs it; never run. pyright has no plugins, and takes the
managers for Django's own.
"""

from django.db.models import Model, QuerySet
from typing_extensions import assert_type

from django_vwo_webhooks.models import FleetProcess, KillSwitch, SettingsSnapshot, WebhookEvent


def query_rows() -> None:
    failed = WebhookEvent.objects.filter(outcome=WebhookEvent.Outcome.FAILED)
    ours: QuerySet[WebhookEvent] = WebhookEvent.objects.ours()
    first = WebhookEvent.objects.ours().order_by("received_at").first()
    assert_type(first, WebhookEvent | None)
    assert_type(WebhookEvent.objects.get(pk=1), WebhookEvent)
    assert_type(failed.count(), int)
    assert_type(SettingsSnapshot.objects.in_force(), SettingsSnapshot | None)
    assert_type(SettingsSnapshot.objects.ours().with_in_force().get(), SettingsSnapshot)
    assert_type(KillSwitch.objects.in_use(), list[KillSwitch])
    assert_type(FleetProcess.objects.ours().get(), FleetProcess)
    for batch in SettingsSnapshot.objects.ours().in_batches(100):
        assert_type(batch, list[SettingsSnapshot])
    models: list[type[Model]] = [FleetProcess, KillSwitch, SettingsSnapshot, WebhookEvent]
    print(ours, models)
