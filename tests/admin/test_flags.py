"""The list and the pages of flags."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.models import Flag, KillSwitch
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import (
    EVENTS,
    FLAG_LIST,
    SNAPSHOTS,
    SWITCHES,
    changed_event,
    page,
    snapshot_of,
)
from tests.flags.documents import checkout_document, many_flags
from tests.flags.test_flags import ROLLOUT

pytestmark = pytest.mark.django_db


@pytest.fixture
def flags():
    """Settings with a flag that is asked for and one that is not, and a key that is not at VWO."""
    snapshot_of(settings=checkout_document())
    now = timezone.now()
    Flag.objects.note_asked(["new_checkout", "new_chekout"], now)
    Flag.objects.note_asked(["old_banner"], now - timedelta(days=31))


def url(key):
    return f"{FLAG_LIST}{Flag.named(key).pk}/change/"


def listed(client, query=""):
    response = client.get(FLAG_LIST + query)
    assert response.status_code == 200
    return [flag.key for flag in response.context["cl"].result_list]


def test_the_list_shows_each_flag_with_its_rollout(admin_client, flags):
    text = page(admin_client, FLAG_LIST)
    for part in (
        '>new_checkout <span class="vwo-name">New checkout</span></a>',
        ROLLOUT,
        '<bdi class="vwo-name">color: red</bdi>',
        ">not at VWO<",
        ">off<",
        ">on<",
        "3 flags",
    ):
        assert part in text


def test_shares_keep_their_order_on_a_page_from_right_to_left(admin_client, flags, settings):
    settings.LANGUAGE_CODE = "ar"
    text = page(admin_client, url("new_checkout"))
    assert f"\u2068{ROLLOUT}\u2069" in text
    assert not re.search(r"<td>[^<]*%", text)


def test_the_admins_index_has_the_flags(admin_client):
    assert f'<a href="{FLAG_LIST}">Flags</a>' in page(admin_client, "/admin/")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", ["new_checkout", "new_chekout", "old_banner"]),
        ("?status=on", ["new_checkout"]),
        ("?status=off", ["old_banner"]),
        ("?status=missing", ["new_chekout"]),
        ("?asked=yes", ["new_checkout", "new_chekout"]),
        ("?asked=no", ["old_banner"]),
        ("?asked=missing", ["new_chekout"]),
        ("?status=on&asked=no", []),
        ("?q=CHECK", ["new_checkout"]),
        ("?q=New ch", ["new_checkout"]),
        ("?q=nothing", []),
    ],
)
def test_searching_and_filtering(admin_client, flags, query, keys):
    assert listed(admin_client, query) == keys


@pytest.mark.parametrize("query", ["?key=x", "?nonsense__in=1"])
def test_a_query_that_is_not_offered_shows_the_list(admin_client, flags, query):
    response = admin_client.get(FLAG_LIST + query, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain == [(f"{FLAG_LIST}?e=1", 302)]


def test_long_lists_have_pages(admin_client):
    snapshot_of(settings=many_flags(250))
    assert listed(admin_client) == [f"flag_{number:04}" for number in range(100)]
    assert listed(admin_client, "?p=3") == [f"flag_{number:04}" for number in range(200, 250)]
    assert admin_client.get(f"{FLAG_LIST}?p=99").url.endswith("?e=1")
    assert "250 flags" in page(admin_client, FLAG_LIST)


def test_the_number_of_statements_does_not_depend_on_the_number_of_flags(admin_client):
    counts = []
    for number in (1, 200):
        snapshot_of(*((f"flag_{n:04}", 1, 2) for n in range(number)), settings=many_flags(number))
        Flag.objects.note_asked([f"flag_{n:04}" for n in range(number)], timezone.now())
        with CaptureQueriesContext(connection) as queries:
            listed(admin_client)
        counts.append(len(queries))
    # session, user, the clock, flags, settings, newest changes, their snapshots and events
    assert counts == [10, 10]


def test_a_thousand_flags_take_little_time_at_the_database(admin_client):
    snapshot_of(*((f"flag_{n:04}", 1, 2) for n in range(1000)), settings=many_flags(1000))
    Flag.objects.note_asked([f"flag_{n:04}" for n in range(1000)], timezone.now())
    listed(admin_client)
    with CaptureQueriesContext(connection) as queries:
        listed(admin_client)
    assert sum(float(query["time"]) for query in queries) < 0.2


def test_the_list_links_to_the_newest_change(admin_client, deliver, vwo):
    refresh_settings()
    event = changed_event(deliver, vwo, color="green")
    text = page(admin_client, FLAG_LIST)
    assert f'href="{SNAPSHOTS}{event.snapshot_id}/change/"' in text
    assert f'<a href="{EVENTS}{event.pk}/change/">event #{event.pk}</a>' in text


def test_the_page_of_a_flag_shows_its_rules_and_its_history(admin_client, deliver, vwo):
    refresh_settings()
    event = changed_event(deliver, vwo, color="green")
    text = page(admin_client, url("new_checkout"))
    assert "rollout rule rolloutRule1</bdi>: <bdi>100 % of everybody" in text
    assert '<bdi>color</bdi> (string): <bdi class="vwo-value">green</bdi>' in text
    assert "new_checkout: color “red” → “green”" in text
    assert f'href="{EVENTS}{event.pk}/change/"' in text
    assert f'href="{SNAPSHOTS}{event.snapshot_id}/change/"' in text
    assert f'href="{EVENTS}?feature=new_checkout"' in text


def test_the_page_of_a_flag_names_its_kill_switches(admin_client, flags):
    kill_switch.use("another", reason="other refunds", by="anna")
    assert "vwo-switches" not in page(admin_client, url("new_checkout"))
    foreign = kill_switch.use("new_checkout", reason="before the rotation", by="ben")
    KillSwitch.objects.filter(pk=foreign.pk).update(key_digest="0" * 64)
    switch = kill_switch.use("new_checkout", reason="too many <refunds>", by="anna")
    shown = page(admin_client, url("new_checkout"))
    banner = shown[shown.index("vwo-switches") :]
    banner = banner[: banner.index("</ul>")]
    assert "too many &lt;refunds&gt;" in banner
    assert f'href="{SWITCHES}{switch.pk}/change/"' in banner
    assert "another SDK key" in banner
    assert "other refunds" not in shown


def test_the_kill_switch_of_an_odd_key_is_shown(admin_client):
    snapshot_of()
    Flag.objects.note_asked(["naïve"], timezone.now())
    kill_switch.use("naïve", reason="r", by="anna")
    assert "switched_off" in page(admin_client, FLAG_LIST)
    assert "vwo-switches" in page(admin_client, url("naïve"))


def test_the_page_of_a_flag_with_variations(admin_client, flags):
    text = page(admin_client, url("new_checkout"))
    assert "testing rule testingRule1" in text
    assert "Always for: <bdi>user is ann or bob</bdi>" in text
    assert "<td><bdi>50 %</bdi></td>" in text


def test_the_page_of_a_flag_that_is_not_at_vwo(admin_client, flags):
    assert "This flag is not in VWO’s settings" in page(admin_client, url("new_chekout"))


def test_before_there_are_settings_no_flag_is_said_to_be_missing(admin_client):
    Flag.objects.note_asked(["new_checkout"], timezone.now())
    assert ">no settings yet<" in page(admin_client, FLAG_LIST)
    assert "There are no settings yet" in page(admin_client, url("new_checkout"))
    assert listed(admin_client, "?status=missing") == []
    assert listed(admin_client, "?asked=missing") == []
    assert listed(admin_client, "?asked=yes") == ["new_checkout"]


def test_an_unknown_flag_is_answered_as_an_unknown_row(admin_client, flags):
    assert admin_client.get(url("nothing")).status_code == 302
    assert admin_client.get(url("nothing").replace("/change", "/json")).status_code == 404


def test_the_json_and_the_admins_history_of_a_flag(admin_client, flags):
    address = url("new_checkout")
    document = admin_client.get(address.replace("/change", "/json")).json()
    assert (document["rollout"], document["asked_for"]) == (ROLLOUT, True)
    assert page(admin_client, address.replace("/change", "/history"))
    assert not LogEntry.objects.exists()


def test_whoever_may_view_settings_may_view_flags(staff, flags):
    client = staff("view_settingssnapshot")
    assert listed(client)
    assert client.get(url("new_checkout")).status_code == 200
    assert f"{EVENTS}" not in page(client, FLAG_LIST)


def test_whoever_may_not_view_settings_may_not_view_flags(staff, flags):
    client = staff("view_webhookevent")
    for address in (FLAG_LIST, url("new_checkout"), url("new_checkout").replace("change", "json")):
        assert client.get(address).status_code == 403
    assert "Flags" not in page(client, "/admin/")


def test_nobody_adds_changes_or_deletes_a_flag(admin_client, flags):
    assert admin_client.get(f"{FLAG_LIST}add/").status_code == 403
    assert admin_client.post(url("new_checkout"), {}).status_code == 403
    assert admin_client.get(url("new_checkout").replace("change", "delete")).status_code == 403


def test_hostile_names_are_escaped(admin_client):
    document = checkout_document()
    document["features"][0].update(key="<b>\u202e", name="<i>")
    snapshot_of(settings=document)
    for address in (FLAG_LIST, url("<b>\u202e")):
        text = page(admin_client, address)
        assert "<b>" not in text
        assert "<i>" not in text
        assert "\u202e" not in text


def test_another_sites_rows_are_not_shown(admin_client):
    snapshot_of(settings=checkout_document(), environment="staging")
    row = Flag.named("others")
    row.id, row.environment, row.last_asked_at = "x", "staging", timezone.now()
    row.save(force_insert=True)
    assert listed(admin_client) == []
