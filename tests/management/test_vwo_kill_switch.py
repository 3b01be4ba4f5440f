import threading
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, load_command_class
from django.db import connection

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.models import FleetProcess, KillSwitch, RefreshLease
from tests.conftest import wait_until
from tests.follower.flags import enabled
from tests.management.conftest import run_command

pytestmark = pytest.mark.django_db(transaction=True)

FLAG = "new_checkout"


def command(*arguments):
    return run_command("vwo_kill_switch", *arguments)


def test_a_flag_is_switched_off_and_released(vwo, quick):
    assert enabled()
    said = command(FLAG, "--reason", "too many refunds", "--for", "2h", "--by", "anna")
    assert said.startswith(f"{FLAG} is switched off until 20")
    assert not enabled()
    switch = KillSwitch.objects.get()
    assert (switch.used_by, switch.reason) == ("anna", "too many refunds")
    assert switch.until - switch.used_at == timedelta(hours=2)
    assert f"{FLAG}, since 20" in command("--list")
    assert "by anna: too many refunds" in command("--list")
    assert "VWO decides again" in command(FLAG, "--release")
    assert enabled()
    assert command("--list") == "No kill switch is in use.\n"


@pytest.mark.parametrize(
    ("given", "lasts"),
    [
        ([], timedelta(days=1)),
        (["--for", "90s"], timedelta(seconds=90)),
        (["--for", "30m"], timedelta(minutes=30)),
        (["--for", "3d"], timedelta(days=3)),
        (["--for", "released"], None),
    ],
)
def test_how_long_it_lasts(given, lasts):
    command(FLAG, "--reason", "r", *given)
    switch = KillSwitch.objects.get()
    assert (switch.until and switch.until - switch.used_at) == lasts
    assert switch.used_by, "the system's user"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([FLAG], f'needs a reason. Write: manage.py vwo_kill_switch {FLAG} --reason "'),
        ([FLAG, "--reason", " "], "needs a reason"),
        ([], "Which flag"),
        (["--release"], "Which flag"),
        ([FLAG, "--release"], f"No kill switch is in use for {FLAG}"),
        ([FLAG, "--reason", "r", "--for", "2 weeks"], "should be like 90s"),
        ([FLAG, "--reason", "r", "--for", "0h"], "should be like 90s"),
        ([FLAG, "--reason", "r", "--release"], "not allowed with"),
        ([FLAG, "--reason", "r", "--wait", "nan"], "'nan' should be a number of seconds"),
        ([FLAG, "--reason", "r", "--wait", "inf"], "'inf' should be a number of seconds"),
        (["x" * 300, "--reason", "r"], "characters"),
    ],
)
def test_what_is_wrong_is_said_and_switches_nothing_off(arguments, says):
    with pytest.raises(CommandError) as error:
        command(*arguments)
    assert says in str(error.value)
    assert not KillSwitch.objects.exists()


# a command closes the connections to each database when it ends
@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_the_exit_status():
    def status(*arguments):
        run = load_command_class("django_vwo_webhooks", "vwo_kill_switch").run_from_argv
        try:
            run(["manage.py", "vwo_kill_switch", FLAG, *arguments])
        except SystemExit as ended:
            return ended.code
        return 0

    assert status() == 1
    assert status("--reason", "r") == 0
    assert status("--release") == 0
    assert status("--release") == 1


def test_waiting_until_each_process_has_it(vwo, quick):
    assert enabled()
    wait_until(FleetProcess.objects.exists)
    assert command(FLAG, "--reason", "r", "--wait").endswith("In force in each process: 1.\n")
    version = RefreshLease.objects.read().kill_switch_version
    assert FleetProcess.objects.get().kill_switch_version == version


def test_waiting_names_the_process_that_is_late(db):
    late = FleetProcess.for_this_process()
    late.host, late.pid, late.kind = "web7", 4711, "gunicorn"
    FleetProcess.objects.write_heartbeat(late)
    with pytest.raises(CommandError, match="Still waiting for gunicorn 4711 on web7"):
        command(FLAG, "--reason", "r", "--wait", "0.2")
    caught_up = threading.Timer(0.3, _catch_up, [late])
    caught_up.start()
    began = time.monotonic()
    assert "each process: 1" in command(FLAG, "--release", "--wait")
    assert 0.2 < time.monotonic() - began < 10
    caught_up.join()


def _catch_up(process):
    process.note_kill_switches(2)
    FleetProcess.objects.write_heartbeat(process)
    connection.close()


def test_those_of_another_key_are_listed(db):
    kill_switch.use(FLAG, reason="r", by="anna")
    KillSwitch.objects.update(key_digest="0" * 64)
    assert command("--list").endswith("by anna: r (of another SDK key: not in force)\n")
