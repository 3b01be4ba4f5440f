from typing import Any

import pytest
from django.utils import timezone

from django_vwo_webhooks.changes import digest
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot
from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.sdk.client import Client
from django_vwo_webhooks.testing import VWOSimulator


def store(document: dict[str, Any]) -> SettingsSnapshot:
    """A snapshot of this document, stored and in force, as a refresh leaves it."""
    stored = {key: value for key, value in document.items() if key != "sdkKey"}
    snapshot = SettingsSnapshot.of(stored, digest(document), [], "manual", timezone.now())
    snapshot.store()
    put_in_force(snapshot)
    return snapshot


def put_in_force(snapshot: SettingsSnapshot) -> None:
    """Let the lease name it, as a refresh does, or a restored database."""
    RefreshLease.objects.put_in_force(RefreshLease.objects.read(), snapshot)


@pytest.fixture
def client(vwo: VWOSimulator, db: None) -> Client:
    """This process's client, which runs the simulator's settings. Nothing refreshes it."""
    snapshot = store(vwo.settings)
    assert lifecycle.apply_in_force() == snapshot
    return lifecycle.client()
