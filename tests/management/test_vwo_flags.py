"""What ``vwo_flags`` prints."""

import json

import pytest
from django.core.management import CommandError
from django.utils import timezone

from django_vwo_webhooks.models import Flag
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
        "old_banner: off, 0 % of everybody (never asked for)",
    ]


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


def test_without_settings_it_says_what_to_do():
    assert "No flags. There are no settings yet" in run_command("vwo_flags")
    with pytest.raises(CommandError, match=r"get them with manage\.py vwo_refresh"):
        run_command("vwo_flags", "nothing")
