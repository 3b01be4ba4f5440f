"""A flag is switched off on this site, and VWO decides about it again."""

import logging
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import InsideTransaction
from django_vwo_webhooks.follower import check, stop_following
from django_vwo_webhooks.models import FleetProcess, KillSwitch, RefreshLease, SettingsSnapshot
from django_vwo_webhooks.models.clock import DatabaseClock
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.sdk.switched_off import forget_switches, switched_off
from django_vwo_webhooks.signals import kill_switch_released, kill_switch_used
from django_vwo_webhooks.testing import override_flags
from tests.broadcast.backends import SlowToMake
from tests.conftest import configure, start_site, use_broadcast, wait_until
from tests.follower.flags import enabled

pytestmark = pytest.mark.django_db(transaction=True)

FLAG = "new_checkout"
VARIATION_SHOWN = "vwo_variationShown"


@pytest.fixture
def sent():
    """The signals that were sent here: whether each is of a use, and of which flag."""
    signals = []

    def used(switch, **kwargs):
        signals.append(("used", switch.flag, switch.released_by))

    def released(switch, **kwargs):
        signals.append(("released", switch.flag, switch.released_by))

    kill_switch_used.connect(used)
    kill_switch_released.connect(released)
    yield signals
    kill_switch_used.disconnect(used)
    kill_switch_released.disconnect(released)


def use(flag=FLAG, seconds=3600.0, by="anna", reason="too many refunds"):
    return kill_switch.use(flag, reason=reason, by=by, seconds=seconds)


def in_use():
    return list(KillSwitch.objects.not_released())


# what it does to a flag


def test_a_flag_is_off_with_its_defaults_and_without_an_impression(vwo, quick):
    assert enabled()
    client = get_client()
    use()
    flag = client.get_flag(FLAG, {"id": "u"})
    assert not flag.is_enabled()
    assert flag.get_variable("color", "blue") == "blue"
    assert flag.get_variables() == []
    assert client.get_flag(["unhashable"], {"id": "u"}).is_enabled() is False
    kill_switch.release(FLAG, by="ben")
    assert client.get_flag(FLAG, {"id": "v"}).get_variable("color", "blue") == "red"
    assert client.flush_events()
    shown = [each for each in vwo.impressions if each["d"]["event"]["name"] == VARIATION_SHOWN]
    assert len(shown) == 2, "of the first answer and of the last"


def test_the_answer_is_that_of_the_sdk_for_a_flag_that_is_off(vwo, quick):
    client = get_client()
    contexts = [{"id": "u"}, {"id": "u", "session_id": 5}, {"id": ""}, {"id": 5}, {}, None]

    def answers():
        flags = [client.get_flag(FLAG, context) for context in contexts]
        return [
            (
                flag.is_enabled(),
                flag.get_variables(),
                flag.get_variable("color", "blue"),
                flag.get_variable("color"),
                flag.get_uuid(),
                bool(flag.get_session_id()),
                type(flag),
            )
            for flag in flags
        ]

    vwo.set_flag(FLAG, enabled=False)
    refresh_settings()
    off_at_vwo = answers()
    assert off_at_vwo[0][4]
    vwo.set_flag(FLAG, enabled=True)
    refresh_settings()
    assert enabled()
    use()
    assert answers() == off_at_vwo


def test_it_works_for_any_key_and_without_any_settings(vwo, quick):
    vwo.refuse()
    assert not enabled()
    use()
    use("unknown")
    assert not get_client().get_flag("unknown", {"id": "u"}).is_enabled()
    vwo.accept()
    refresh_settings()
    assert not enabled()
    kill_switch.release(FLAG, by="ben")
    assert enabled()


def test_a_flag_that_differs_in_case_is_another_one(vwo, quick):
    use(FLAG.upper())
    assert enabled()
    assert kill_switch.release(FLAG, by="ben") is None
    use(FLAG)
    assert kill_switch.release(FLAG.upper(), by="ben").flag == FLAG.upper()
    assert not enabled()


def test_overrides_of_tests_win(vwo, quick):
    assert enabled()
    use()
    with override_flags({FLAG: {"color": "green"}}):
        assert get_client().get_flag(FLAG, {"id": "u"}).get_variable("color") == "green"
    assert not enabled()


def test_tracking_goes_on(vwo, quick):
    document = vwo.settings
    document["features"][0]["metrics"] = [{"id": 1, "type": "CUSTOM_GOAL", "identifier": "bought"}]
    vwo.settings = document
    assert enabled()
    use()
    assert get_client().track_event("bought", {"id": "u"}) == {"bought": True}


# what is written


def test_a_use_is_a_row_of_its_own(vwo):
    switch = use(seconds=3600)
    assert (switch.flag, switch.used_by, switch.reason) == (FLAG, "anna", "too many refunds")
    assert switch.until - switch.used_at == timedelta(hours=1)
    assert abs(switch.used_at - DatabaseClock.read("default").now()) < timedelta(seconds=30)
    released = kill_switch.release(FLAG, by="ben")
    assert released == switch
    assert (released.released_by, released.released_at > switch.used_at) == ("ben", True)
    assert kill_switch.release(FLAG, by="ben") is None


def test_another_use_replaces_the_first_and_never_shortens_it(sent):
    until = use(seconds=7200).until
    assert use(by="ben", seconds=60).until == until
    assert use(seconds=9000).until > until
    assert use(seconds=None).until is None
    assert use(seconds=60).until is None
    assert len(in_use()) == 1
    assert sent[:3] == [("used", FLAG, ""), ("released", FLAG, "ben"), ("used", FLAG, "")]
    assert len(sent) == 9


@pytest.mark.parametrize(
    "arguments",
    [
        {"reason": " "},
        {"flag": " "},
        {"flag": "x" * 256},
        {"flag": "nul\0"},
        {"seconds": 0},
        {"seconds": float("inf")},
    ],
)
def test_what_is_missing_or_cannot_be_is_an_error(arguments):
    with pytest.raises(ValueError, match=r"kill switch|The key"):
        use(**arguments)
    assert not KillSwitch.objects.exists()


def test_inside_a_transaction_it_is_an_error():
    with transaction.atomic(), pytest.raises(InsideTransaction, match="on_commit"):
        use()
    assert not KillSwitch.objects.exists()


def test_one_line_at_the_start_and_one_at_the_end(caplog):
    with caplog.at_level(logging.WARNING, "django_vwo_webhooks"):
        use(reason="line\nbreak")
        kill_switch.release(FLAG, by="ben")
    began, ended = caplog.messages
    assert began.startswith(f"The flag {FLAG} is switched off until 20")
    assert began.endswith(" UTC, by anna: line\\nbreak")
    assert ended == f"The kill switch of the flag {FLAG} is no longer in use: released by ben."


def test_a_receiver_that_raises_changes_nothing(quick, vwo, caplog):
    def broken(**kwargs):
        assert KillSwitch.objects.exists(), "it is sent after the commit"
        assert not enabled(), "and in force by then"
        raise RuntimeError("broken")

    kill_switch_used.connect(broken)
    try:
        assert enabled()
        use()
    finally:
        kill_switch_used.disconnect(broken)
    assert "broken" in caplog.text
    assert not enabled()


# two at once


def test_two_people_at_once_leave_one_in_use(in_thread, sent):
    together = threading.Barrier(4)

    def person(name):
        together.wait()
        for _ in range(5):
            use(by=name)

    threads = [in_thread(lambda n=name: person(n)) for name in "abcd"]
    for thread in threads:
        thread.join()
    assert KillSwitch.objects.count() == 20
    assert len(in_use()) == 1
    assert len(sent) == 39


def test_a_use_that_races_a_release(in_thread, sent, vwo, quick):
    assert enabled()
    together = threading.Barrier(2)
    released = []

    def releasing():
        for _ in range(10):
            together.wait()
            released.append(kill_switch.release(FLAG, by="ben"))

    thread = in_thread(releasing)
    for _ in range(10):
        together.wait()
        use()
    thread.join()
    uses = [signal for signal in sent if signal[0] == "used"]
    assert len(uses) == 10
    assert len(sent) - len(uses) == 10 - len(in_use())
    assert RefreshLease.objects.read().kill_switch_version >= 10
    wait_until(lambda: enabled() is not bool(in_use()))


# its end


def test_it_ends_at_its_time_and_one_process_says_so(vwo, quick, sent, caplog):
    assert enabled()
    switch = use(seconds=2)
    assert not enabled()
    wait_until(enabled)
    wait_until(lambda: sent == [("used", FLAG, ""), ("released", FLAG, "")])
    switch.refresh_from_db()
    assert switch.released_by == ""
    # by the latency of the statement that read the clock, it may end sooner
    assert timedelta() <= switch.until - switch.released_at < timedelta(seconds=1)
    assert "its time is over" in caplog.text


def test_it_ends_at_its_time_where_processes_look_rarely(vwo, settings, sent):
    use_broadcast(settings, "Local", poll_seconds=60)
    assert enabled()
    use(seconds=2)
    assert not enabled()
    # where nothing but the end makes it look within 30 s
    wait_until(enabled)
    wait_until(lambda: sent[1:] == [("released", FLAG, "")])


def test_the_end_is_said_once_in_the_fleet(vwo, quick, sent):
    code = """
import time
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.signals import kill_switch_released
kill_switch_released.connect(lambda **k: print("released", flush=True), weak=False)
client = get_client()
print("up", flush=True)
while client.get_flag("new_checkout", {"id": "u"}).is_enabled(): time.sleep(0.01)
while not client.get_flag("new_checkout", {"id": "u"}).is_enabled(): time.sleep(0.01)
time.sleep(1)
print("end", flush=True)
"""
    with start_site(code) as one, start_site(code) as two:
        assert [one.stdout.readline(), two.stdout.readline()] == ["up\n", "up\n"]
        use(seconds=2)
        said = one.communicate(timeout=30)[0] + two.communicate(timeout=30)[0]
        assert said.count("end") == 2
    stop_following()
    assert said.count("released") + len(sent) - 1 == 1


def test_two_processes_that_notice_the_end_at_once(in_thread, sent):
    switch = use(seconds=0.05)
    wait_until(lambda: not switch.is_in_use(DatabaseClock.read("default")))
    together = threading.Barrier(4)

    def notice():
        noticed = KillSwitch.objects.get()
        together.wait()
        kill_switch._end(noticed)

    for thread in [in_thread(notice) for _ in range(4)]:
        thread.join()
    assert sent == [("used", FLAG, ""), ("released", FLAG, "")]


def test_one_that_ended_unseen_is_closed_by_who_comes_first(vwo, quick, sent):
    use(seconds=0.05)
    wait_until(lambda: not in_use()[0].is_in_use(DatabaseClock.read("default")))
    assert enabled()
    wait_until(lambda: sent[1:] == [("released", FLAG, "")])


def test_a_use_after_an_end_that_nobody_noticed(sent):
    first = use(seconds=0.05)
    wait_until(lambda: not in_use()[0].is_in_use(DatabaseClock.read("default")))
    second = use(seconds=60)
    first.refresh_from_db()
    assert (first.released_by, first.released_at) == ("", first.until)
    assert second.until - second.used_at == timedelta(seconds=60)
    assert sent[1:] == [("released", FLAG, ""), ("used", FLAG, "")]


def test_a_clock_that_is_set_back_prolongs_none(vwo, quick):
    """As a row does that was written an hour and a half ahead of what the clock says now."""
    assert enabled()
    switch = use(seconds=2)
    ahead = timedelta(hours=1.5)
    KillSwitch.objects.update(used_at=switch.used_at + ahead, until=switch.until + ahead)
    forget_switches()
    wait_until(lambda: switched_off.ends_at)
    assert not enabled()
    wait_until(enabled)


# whose it is


def test_those_of_another_key_or_environment_are_not_in_force(vwo, settings, quick):
    use()
    assert not enabled()
    configure(settings, ENVIRONMENT="staging")
    assert enabled()
    assert kill_switch.release(FLAG, by="ben") is None
    configure(settings, ENVIRONMENT="default")
    assert not enabled()


def test_those_of_another_key_are_not_in_force_and_can_be_released(vwo, quick):
    use()
    refresh_settings()
    SettingsSnapshot.objects.filter(environment="default").update(key_digest="0" * 64)
    RefreshLease.objects.filter(environment="default").update(key_digest="0" * 64)
    KillSwitch.objects.update(key_digest="0" * 64)
    forget_switches()
    stop_following()
    assert enabled(), "a database that was copied from another site"
    assert len(in_use()) == 1
    assert kill_switch.release(FLAG, by="ben").released_by == "ben"
    assert RefreshLease.objects.get(key_digest="0" * 64).kill_switch_version == 2


# how it gets around


def test_a_check_takes_no_statement_more(vwo, quick):
    use()
    use("another")
    refresh_settings()
    looks = check.DatabaseCheck(reconciles=False)
    looks.run()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        looks.run()
    assert len(asked) == 1
    assert not enabled()


def test_each_process_reports_which_it_has(vwo, quick):
    assert enabled()
    wait_until(FleetProcess.objects.exists)
    use()
    version = RefreshLease.objects.read().kill_switch_version
    wait_until(lambda: FleetProcess.objects.get().kill_switch_version == version)


def test_with_a_broadcast_that_can_not_be_made_it_is_used_all_the_same(vwo, settings, caplog):
    configure(settings, BROADCAST={"BACKEND": "no.such.Broadcast"})
    use()
    assert KillSwitch.objects.not_released().exists()
    assert "Failed: publishing to the other processes" in caplog.text


def test_the_broadcast_is_made_before_the_commit(vwo, settings, monkeypatch):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.SlowToMake"})
    made = []
    monkeypatch.setattr(kill_switch, "publish", lambda: made.append(SlowToMake.made))
    monkeypatch.setattr(SlowToMake, "made", 0)
    use()
    assert made == [1]


def test_every_process_has_it_by_a_push(vwo, pushing_broadcast):
    code = """
import time
from django_vwo_webhooks.client import get_client
client = get_client()
print("up", flush=True)
def wait(on):
    while client.get_flag("new_checkout", {"id": "u"}).is_enabled() is not on: time.sleep(0.01)
    print(on, flush=True)
wait(False)
wait(True)
"""
    refresh_settings()
    vwo.refuse()
    with start_site(code) as one, start_site(code) as two:

        def wait_for_both():
            return {one.stdout.readline(), two.stdout.readline()}

        assert wait_for_both() == {"up\n"}
        use()
        assert wait_for_both() == {"False\n"}
        with start_site(code) as later:
            assert [later.stdout.readline(), later.stdout.readline()] == ["up\n", "False\n"]
        kill_switch.release(FLAG, by="ben")
        assert wait_for_both() == {"True\n"}


def test_a_child_has_what_its_parent_had(vwo, quick):
    use()
    code = """
import os
from django_vwo_webhooks.client import get_client
client = get_client()
def off(): return not client.get_flag("new_checkout", {"id": "u"}).is_enabled()
assert off()
if not os.fork():
    os._exit(0 if off() else 1)
print(os.wait()[1])
"""
    with start_site(code) as process:
        assert process.stdout.readline() == "0\n"


def test_without_threads_the_next_request_has_it(vwo, settings, client):
    use_broadcast(settings, "Database", thread=False, poll_seconds=0.01)
    assert enabled()
    with start_site(
        "from django_vwo_webhooks import kill_switch; "
        "kill_switch.use('new_checkout', reason='r', by='b')"
    ) as process:
        assert process.wait(30) == 0

    def a_request_comes():
        client.get("/nowhere/")
        return not enabled()

    wait_until(a_request_comes)
