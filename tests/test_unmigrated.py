"""A database that was not migrated, or only in part: each part of the site says what to run."""

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection

from django_vwo_webhooks.checks import check_tables
from django_vwo_webhooks.connections import RUN_MIGRATE, lacks_table
from django_vwo_webhooks.follower import ensure_following
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import EVENTS, FLAG_LIST, REFRESH, SNAPSHOTS, SWITCHES
from tests.conftest import wait_until
from tests.management.conftest import run_command

pytestmark = pytest.mark.django_db(transaction=True)

PREFIX = "django_vwo_webhooks_"
STATUS = "/webhooks/vwo/status/"


@pytest.fixture
def lacking():
    """Takes tables ("lease") and columns ("lease.error") away until the test ends."""
    taken = []

    def take(*names):
        for name in names:
            table, _, column = name.partition(".")
            if column:
                _alter(f"{table} RENAME COLUMN {column} TO away")
                taken.append(f"{table} RENAME COLUMN away TO {column}")
            else:
                _alter(f"{table} RENAME TO {PREFIX}away_{table}")
                taken.append(f"away_{table} RENAME TO {PREFIX}{table}")

    yield take
    for back in reversed(taken):
        _alter(back)


def _alter(what):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {PREFIX}{what}")


TABLES = [
    "changedfeature",
    "flag",
    "fleetprocess",
    "killswitch",
    "refreshlease",
    "settingssnapshot",
    "webhookevent",
]

COMMANDS = ["vwo_status", "vwo_refresh", "vwo_prune", "vwo_flags"]

PARTS = {
    "nothing was migrated": (TABLES, COMMANDS, [EVENTS, FLAG_LIST, SNAPSHOTS, SWITCHES]),
    "without the table of flags": (["flag"], ["vwo_flags", "vwo_status"], [FLAG_LIST]),
    "without a table": (["fleetprocess"], ["vwo_status", "vwo_prune"], [EVENTS]),
    "without a column": (["refreshlease.digest"], ["vwo_status", "vwo_refresh"], [EVENTS]),
    "without a column of events": (["webhookevent.credential"], ["vwo_status"], [EVENTS]),
    "without a column of snapshots": (["settingssnapshot.cause"], ["vwo_status"], [SNAPSHOTS]),
}


@pytest.mark.parametrize(("names", "commands", "pages"), PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("atomic", [False, True], ids=["", "atomic requests"])
def test_commands_and_pages_say_what_to_run(
    vwo, admin_client, lacking, names, commands, pages, atomic
):
    refresh_settings()
    lacking(*names)
    for command in commands:
        with pytest.raises(CommandError, match=r"Run: manage\.py migrate$") as raised:
            run_command(command)
        assert raised.value.__suppress_context__
    connection.settings_dict["ATOMIC_REQUESTS"] = atomic
    try:
        for url in pages:
            response = admin_client.get(url)
            assert (response.status_code, response.content.decode()) == (503, f"{RUN_MIGRATE}\n")
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_every_page_and_button_says_so(vwo, deliver, admin_client, lacking):
    event = deliver().json()["event"]
    lacking(*TABLES)
    for url in (EVENTS, FLAG_LIST, SNAPSHOTS):
        for page in ("change", "history", "json"):
            assert admin_client.get(f"{url}{event}/{page}/").status_code == 503
    assert admin_client.post(REFRESH).status_code == 503
    assert admin_client.get("/admin/").status_code == 200


@pytest.mark.parametrize("name", [*TABLES[-3:], "refreshlease.digest", "webhookevent.credential"])
def test_the_webhook_says_so_without_a_traceback(vwo, deliver, lacking, caplog, name):
    lacking(name)
    response = deliver()
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert RUN_MIGRATE in response.json()["message"]
    assert RUN_MIGRATE in caplog.text
    assert "Traceback" not in caplog.text


def test_the_webhook_and_the_status_log_once_that_the_database_fails(
    vwo, deliver, admin_client, caplog
):
    def statuses():
        answers = [ask() for ask in (deliver, lambda: admin_client.get(STATUS)) for _ in range(2)]
        return {answer.status_code for answer in answers}

    _alter("refreshlease RENAME TO django_vwo_webhooks_away")
    try:
        assert statuses() == {503}
    finally:
        _alter("away RENAME TO django_vwo_webhooks_refreshlease")
    assert statuses() == {200}
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == [
        f"Failed: recording webhooks ({RUN_MIGRATE}); they are answered 503, so that VWO retries "
        "them.",
        f"Failed: reading the status ({RUN_MIGRATE}); monitors are answered 503.",
        "Recovered: recording webhooks.",
        "Recovered: reading the status.",
    ]


def test_the_check_names_what_is_lacking_and_what_to_run(lacking, monkeypatch):
    assert _reported() == []
    lacking("changedfeature", "webhookevent.outcome", "refreshlease.error")
    (message,) = _reported()
    for text in (f"the table {PREFIX}changedfeature", f"{PREFIX}webhookevent.outcome"):
        assert text in message.msg
    assert f"{PREFIX}refreshlease.error" in message.msg
    assert "migrate" in message.hint
    assert check_tables(None, databases=["other"]) == []
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate"])
    assert _reported() == []


def _reported():
    messages = run_checks(databases=["default"])
    return [message for message in messages if message.id == "django_vwo_webhooks.W008"]


def test_a_process_that_follows_says_so_once_without_a_traceback(vwo, quick, lacking, caplog):
    lacking("refreshlease")
    ensure_following()
    wait_until(lambda: "Failed: following VWO's settings" in caplog.text)
    assert RUN_MIGRATE in caplog.text
    assert "Traceback" not in caplog.text


def test_a_refresh_that_can_not_be_stored_says_so(vwo, lacking):
    refresh_settings()
    vwo.set_flag("new_checkout", enabled=False)
    lacking("changedfeature")
    with pytest.raises(CommandError, match=r"Run: manage\.py migrate$"):
        call_command("vwo_refresh")


def test_another_error_of_a_table_of_ours_is_shown_as_it_is(monkeypatch, admin_client):
    def fail():
        raise ProgrammingError("syntax error")

    assert not lacks_table(ProgrammingError("syntax error"))
    assert not lacks_table(ValueError("no such table: x"))
    monkeypatch.setattr("django_vwo_webhooks.admin.events.fleet_status", fail)
    monkeypatch.setattr("django_vwo_webhooks.management.commands.vwo_status.fleet_status", fail)
    with pytest.raises(ProgrammingError):
        admin_client.get(EVENTS)
    with pytest.raises(ProgrammingError):
        run_command("vwo_status")
