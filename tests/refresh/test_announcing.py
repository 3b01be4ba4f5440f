"""Signals, and the broadcast, once nothing is locked any more."""

import pytest
from django.db import OperationalError

from django_vwo_webhooks import signals
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import (
    NotApplied,
    RefreshFailed,
)
from django_vwo_webhooks.models import RefreshLease
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import configure, only_event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent():
    """Everything that the four signals said, in order."""
    said = []

    def listen(name):
        def receiver(sender, signal, **provided):
            said.append((name, provided))

        return receiver

    receivers = {}
    for name in ("webhook_received", "settings_refreshed", "settings_applied", "refresh_failed"):
        receivers[name] = listen(name)
        getattr(signals, name).connect(receivers[name])
    yield said
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


def test_what_is_stored_is_told_even_if_it_can_not_be_applied_here(vwo, sent, monkeypatch):
    from django_vwo_webhooks.sdk import lifecycle

    refresh_settings()
    vwo.set_flag("new_checkout", enabled=False)
    sent.clear()

    def fail(built):
        raise OperationalError("gone")

    monkeypatch.setattr(lifecycle, "apply_in_force", fail)
    with pytest.raises(NotApplied, match="could not be applied here: OperationalError"):
        refresh_settings()
    [(name, provided)] = sent
    assert (name, len(provided["changes"])) == ("settings_refreshed", 1)


def test_what_the_signals_say(vwo, deliver, sent):
    deliver()
    event = only_event()
    assert [name for name, _ in sent] == [
        "webhook_received",
        "settings_applied",
        "settings_refreshed",
    ]
    assert sent[0][1] == {"event": event}
    assert sent[1][1] == {"snapshot": event.snapshot, "client": get_client()}
    refreshed = sent[2][1]
    assert list(refreshed["events"]) == [event]
    assert refreshed["snapshot"] == event.snapshot
    assert refreshed["changes"] == event.snapshot.changes
    sent.clear()
    vwo.misbehave(status=500)
    deliver(action="two")
    assert [name for name, _ in sent] == ["webhook_received", "refresh_failed"]
    assert [event.action for event in sent[1][1]["events"]] == ["two"]
    assert isinstance(sent[1][1]["error"], RefreshFailed)
    sent.clear()
    RefreshLease.objects.update(backoff_until=0)
    vwo.behave()
    deliver(action="two")
    assert [name for name, _ in sent] == ["settings_refreshed"], "once a row, nothing applied"
    assert sent[0][1]["changes"] == []


def test_a_broken_receiver_changes_no_answer(vwo, deliver, caplog):
    def broken(**provided):
        raise ValueError("a receiver of the site")

    sent = (signals.webhook_received, signals.settings_refreshed, signals.settings_applied)
    for signal in sent:
        signal.connect(broken)
    try:
        assert deliver().status_code == 200
    finally:
        for signal in sent:
            signal.disconnect(broken)
    assert caplog.text.count("Error calling") == 3


def test_a_broadcast_that_fails_changes_no_answer(vwo, deliver, settings, caplog):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.Broken"})
    assert deliver().status_code == 200
    assert "Failed: publishing to the other processes (OSError)" in caplog.text
