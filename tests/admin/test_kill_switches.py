"""Staff switch a flag off, see it on each list, and release it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.utils.translation import override

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.models import KillSwitch
from tests.admin.conftest import EVENTS, FLAG_LIST, SNAPSHOTS, SWITCHES, page
from tests.follower.flags import enabled

pytestmark = pytest.mark.django_db

ADD = f"{SWITCHES}add/"
FLAG = "new_checkout"
FORM = {"flag": FLAG, "reason": "too many refunds", "end": "hour"}


def use(flag=FLAG, seconds=3600.0):
    return kill_switch.use(flag, reason="too many <refunds>", by="anna", seconds=seconds)


def url(switch, name):
    return f"{SWITCHES}{switch.pk}/{name}/"


@pytest.mark.django_db(transaction=True)
def test_staff_switch_a_flag_off_and_release_it(staff, vwo, quick):
    client = staff("use_kill_switch")
    assert enabled()
    response = client.post(ADD, FORM, follow=True)
    assert not enabled()
    switch = KillSwitch.objects.get()
    assert (switch.flag, switch.reason, switch.used_by) == (FLAG, "too many refunds", "staff")
    assert (switch.until - switch.used_at).total_seconds() == 3600
    assert "added successfully" in response.content.decode()
    shown = page(client, url(switch, "change"))
    assert "Release" in shown
    response = client.post(url(switch, "release"), follow=True)
    assert enabled()
    shown = response.content.decode()
    assert "VWO decides about new_checkout again" in shown
    assert "<button" not in shown[shown.index("object-tools") : shown.index("</ul>")]
    switch.refresh_from_db()
    assert switch.released_by == "staff"
    entries = LogEntry.objects.order_by("pk")
    assert [(entry.action_flag, entry.object_id) for entry in entries] == [
        (1, str(switch.pk)),
        (2, str(switch.pk)),
    ]


def test_the_form_has_the_flag_of_the_link_and_a_day(admin_client):
    shown = page(admin_client, f"{ADD}?flag={FLAG}")
    assert f'value="{FLAG}"' in shown
    assert "in a day" in shown
    assert all(f">{label}:</" in shown for label in ("Key of the flag", "Reason", "Ends"))
    response = admin_client.post(ADD, {**FORM, "end": "day"})
    assert response.status_code == 302
    switch = KillSwitch.objects.get()
    assert (switch.until - switch.used_at).total_seconds() == 86_400
    admin_client.post(ADD, {**FORM, "end": "released"})
    assert KillSwitch.objects.first().until is None


@pytest.mark.parametrize(
    "changed", [{"reason": " "}, {"flag": ""}, {"flag": "x" * 256}, {"end": "never"}]
)
def test_what_is_missing_is_said(admin_client, changed):
    response = admin_client.post(ADD, {**FORM, **changed})
    assert "errorlist" in response.content.decode()
    assert not KillSwitch.objects.exists()


def test_a_key_that_the_database_cannot_hold_is_said(admin_client, monkeypatch):
    monkeypatch.setattr(kill_switch, "fitting", lambda text, connection: "other")
    shown = admin_client.post(ADD, FORM).content.decode()
    assert "the database can’t hold it" in shown


def test_under_atomic_requests(admin_client):
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert admin_client.post(ADD, FORM).status_code == 302
        switch = KillSwitch.objects.get()
        admin_client.post(url(switch, "release"))
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert not KillSwitch.objects.not_released()


def test_without_the_permission_nothing_can_be_done(staff):
    switch = use()
    client = staff("view_webhookevent", "change_webhookevent")
    assert client.get(SWITCHES).status_code == 403
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, FORM).status_code == 403
    assert client.post(url(switch, "release")).status_code == 403
    assert client.get(url(switch, "change")).status_code == 403
    assert client.get(url(switch, "json")).status_code == 403
    assert KillSwitch.objects.not_released().get() == switch
    # and its banner has no link
    shown = page(client, EVENTS)
    assert "too many &lt;refunds&gt;" in shown
    assert url(switch, "change") not in shown


def test_with_the_view_permission_it_can_be_read_only(staff):
    switch = use()
    client = staff("view_killswitch")
    shown = page(client, url(switch, "change"))
    assert "too many &lt;refunds&gt;" in shown
    assert "Release" not in shown
    assert ADD not in page(client, SWITCHES)
    assert client.post(ADD, FORM).status_code == 403
    assert client.post(url(switch, "release")).status_code == 403
    assert KillSwitch.objects.not_released().get() == switch


def test_nobody_changes_or_deletes_a_row(admin_client):
    switch = use()
    assert admin_client.post(url(switch, "change"), FORM).status_code == 403
    assert admin_client.post(url(switch, "delete"), {"post": "yes"}).status_code == 403
    assert admin_client.get(url(switch, "release")).status_code == 405
    assert admin_client.post(f"{SWITCHES}4711/release/").status_code == 404


def test_one_that_was_replaced_meanwhile_is_not_released(admin_client):
    first, second = use(), use()
    response = admin_client.post(url(first, "release"), follow=True)
    assert "no longer in use" in response.content.decode()
    assert KillSwitch.objects.not_released().get() == second
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize("list_page", [EVENTS, SNAPSHOTS, SWITCHES, FLAG_LIST])
def test_each_list_names_those_in_use(admin_client, list_page):
    assert "vwo-switches" not in page(admin_client, list_page)
    use(seconds=None)
    use("another")
    ended = use("ended")
    kill_switch.release("ended", by="ben")
    foreign = use("foreign")
    KillSwitch.objects.filter(pk=foreign.pk).update(key_digest="0" * 64)
    shown = page(admin_client, list_page)
    banner = shown[shown.index("vwo-switches") :]
    banner = banner[: banner.index("</ul>")]
    assert "until it is released, by anna:" in banner
    assert "too many &lt;refunds&gt;" in banner
    assert "another SDK key" in banner
    assert banner.count('<li class="warning" dir="auto">') == 3
    assert url(ended, "change") not in banner


def test_the_list_and_the_page_in_words(admin_client):
    switch = use(seconds=None)
    shown = page(admin_client, SWITCHES)
    assert "in use" in shown
    use("other")
    kill_switch.release("other", by="ben")
    foreign = use("foreign")
    KillSwitch.objects.filter(pk=foreign.pk).update(key_digest="0" * 64)
    shown = page(admin_client, SWITCHES)
    assert "ended" in shown
    assert "not in force: of another SDK key" in shown
    assert FLAG in page(admin_client, f"{SWITCHES}?q=checkout")
    json = admin_client.get(url(switch, "json")).json()
    assert (json["flag"], json["used_by"], json["until"]) == (FLAG, "anna", None)


def test_the_list_takes_as_many_statements_for_any_number(
    admin_client, django_assert_max_num_queries
):
    for number in range(12):
        use(f"flag {number}")
    with django_assert_max_num_queries(7):
        page(admin_client, SWITCHES)


def test_in_german(admin_client, settings):
    settings.LANGUAGE_CODE = "de"
    use()
    with override("de"):
        shown = page(admin_client, SWITCHES)
        form = page(admin_client, ADD)
    assert "abgeschaltet" in shown
    assert "Endet:" in form
