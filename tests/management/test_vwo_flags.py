"""What ``vwo_flags`` prints."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.models import Flag, KillSwitch, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import snapshot_of
from tests.flags.documents import checkout_document
from tests.flags.test_flags import ROLLOUT
from tests.management.conftest import run_command

pytestmark = pytest.mark.django_db


@pytest.fixture
def flags():
    snapshot_of(settings=checkout_document())
    Flag.objects.note_asked(["new_checkout", "new_chekout"], timezone.now())


def test_all_flags(flags):
    assert run_command("vwo_flags").splitlines() == [
        f"new_checkout: on, {ROLLOUT}",
        "new_chekout: asked for, not at VWO",
        "old_banner: off, 0 % of everybody; never asked for",
    ]


def test_what_the_list_in_the_admin_shows_as_well(vwo, deliver):
    refresh_settings()
    vwo.set_flag("new_checkout", variables={"color": "green"}, notify=False)
    assert deliver().status_code == 200
    event = WebhookEvent.objects.get()
    switch = kill_switch.use("new_checkout", reason="too many refunds", by="anna", seconds=None)
    kill_switch.use("misspelt", reason="typo", by="ben")
    Flag.objects.note_asked(["new_checkout"], timezone.now() - timedelta(days=31))
    Flag.objects.note_asked(["misspelt"], timezone.now())
    changed = f"{event.snapshot.created_at:%Y-%m-%d %H:%M:%S UTC}"
    misspelt, checkout = run_command("vwo_flags").splitlines()
    assert misspelt.startswith("misspelt: asked for, not at VWO; switched off here until 20")
    assert checkout == (
        "new_checkout: on, 100 % of everybody; switched off here until it is released; "
        f"last changed {changed}; not asked for in 30 days"
    )
    lines = run_command("vwo_flags", "new_checkout").splitlines()
    assert lines[1].endswith("until it is released, by anna: too many refunds")
    assert lines[2] == (
        f"  Last changed: {changed}, settings #{event.snapshot_id}, event #{event.pk}"
    )
    listed = json.loads(run_command("vwo_flags", "--json"))
    assert listed[0]["switched_off"]["used_by"] == "ben"
    assert listed[1]["switched_off"] == {
        "until": None,
        "used_by": switch.used_by,
        "reason": "too many refunds",
    }
    assert listed[1]["last_changed"] == {
        "at": event.snapshot.created_at.isoformat(),
        "snapshot": event.snapshot_id,
        "event": event.pk,
    }
    assert json.loads(run_command("vwo_flags", "new_checkout", "--json")) == listed[1]
    KillSwitch.objects.update(key_digest="0" * 64)
    assert "switched off" not in run_command("vwo_flags")


def test_one_flag(flags):
    lines = run_command("vwo_flags", "new_checkout").splitlines()
    assert lines[:5] == [
        f"new_checkout: on, {ROLLOUT}",
        "  Name: New checkout",
        "  1. rollout rule rolloutRule1: 100 % for price is 100",
        "     Rollout-rule-1 100 %",
        "       color (string): red",
    ]
    assert "     B 50 %, always for user is ann or bob" in lines
    assert lines[-1].startswith("  Last asked for: 20")


def test_a_flag_that_is_not_at_vwo(flags):
    assert run_command("vwo_flags", "new_chekout").startswith("new_chekout: asked for, not at VWO")


def test_as_json(flags):
    listed = json.loads(run_command("vwo_flags", "--json"))
    assert [(one["key"], one["at_vwo"], one["asked_for"]) for one in listed] == [
        ("new_checkout", True, True),
        ("new_chekout", False, True),
        ("old_banner", True, False),
    ]
    assert json.loads(run_command("vwo_flags", "new_checkout", "--json")) == listed[0]


def test_an_unknown_flag_says_what_to_do(flags):
    with pytest.raises(CommandError, match=r"manage\.py vwo_flags lists all") as caught:
        run_command("vwo_flags", "nothing")
    assert caught.value.returncode == 1


def test_without_settings_no_flag_is_said_to_be_missing():
    Flag.objects.note_asked(["new_checkout"], timezone.now())
    assert run_command("vwo_flags") == "new_checkout: asked for, no settings yet\n"
    assert json.loads(run_command("vwo_flags", "new_checkout", "--json"))["at_vwo"] is None


def test_without_settings_it_says_what_to_do():
    assert "No flags. There are no settings yet" in run_command("vwo_flags")
    with pytest.raises(CommandError, match=r"get them with manage\.py vwo_refresh"):
        run_command("vwo_flags", "nothing")
