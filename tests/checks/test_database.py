"""A database that is not supported, or whose trail was never pruned, is reported."""

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext

from django_vwo_webhooks.checks import check_database, check_kill_switches, check_retention
from django_vwo_webhooks.checks import database as module
from django_vwo_webhooks.models import WebhookEvent
from tests.conftest import configure
from tests.management.test_vwo_prune import ELSEWHERE, event, prune, statements, switch

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("vendor", ["oracle", "cockroachdb", "microsoft", "unknown"])
def test_a_database_that_is_not_supported_is_named_with_those_that_are(monkeypatch, vendor):
    assert check_database(None) == []
    monkeypatch.setattr(connection, "vendor", vendor)
    monkeypatch.setattr(connection, "display_name", vendor.title())
    [message] = check_database(None)
    assert message.id == "django_vwo_webhooks.E011"
    assert f"does not support {vendor.title()}" in message.msg
    assert "SQLite, PostgreSQL, MariaDB and MySQL" in message.msg


@pytest.mark.django_db(transaction=True)
def test_on_a_database_that_is_not_supported_a_delivery_is_a_503(monkeypatch, deliver):
    monkeypatch.setattr(connection, "vendor", "cockroachdb")
    assert deliver().status_code == 503


@pytest.fixture
def large(monkeypatch):
    """Makes more than three events a large table."""
    monkeypatch.setattr(module, "LARGE", 3)


def warnings(*databases):
    messages = run_checks(databases=databases or ["default"])
    return [message for message in messages if message.id == "django_vwo_webhooks.W005"]


def test_a_check_warns_where_a_large_trail_was_never_pruned(large, settings):
    configure(settings, RETENTION_DAYS={"failed": 20, "default": 10})
    for days in (41, 1, 1, 1):
        event(days)
    (warning,) = warnings()
    assert "more than 3 webhook events" in warning.msg
    assert "manage.py vwo_prune" in warning.hint
    prune()
    assert warnings() == []


@pytest.mark.parametrize("days", [(41, 41, 41), (39, 39, 39, 39)])
def test_a_small_or_recent_trail_causes_no_warning(large, settings, days):
    configure(settings, RETENTION_DAYS={"failed": 20, "default": 10})
    for number in days:
        event(number)
    for whose in ELSEWHERE:
        event(100, **whose)
    assert warnings() == []


def test_the_check_reads_only_the_databases_that_it_is_given(large):
    for _ in range(4):
        event(1000)
    with CaptureQueriesContext(connection) as queries:
        assert not check_retention(None)
        assert not check_retention(None, databases=["other"])
    assert not queries.captured_queries
    assert len(check_retention(None, databases=["default", "other"])) == 1


def test_the_check_counts_no_more_rows_than_it_needs(large):
    for _ in range(9):
        event(1000)
    with CaptureQueriesContext(connection) as queries:
        assert len(warnings()) == 1
    assert "LIMIT 4" in next(sql for sql in statements("SELECT", queries) if "COUNT" in sql)


def test_the_check_is_silent_before_migrate(transactional_db):
    rename = "ALTER TABLE {} RENAME TO {}"
    table = WebhookEvent._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(rename.format(table, "away"))
    try:
        with pytest.raises(DatabaseError):
            WebhookEvent.objects.exists()
        assert warnings() == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute(rename.format("away", table))


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_the_check_is_silent_without_its_database(settings, monkeypatch, tmp_path):
    settings.DATABASE_ROUTERS = ["tests.servers.test_databases.OnOther"]
    connections["other"].close()
    monkeypatch.setitem(connections["other"].settings_dict, "NAME", tmp_path / "no" / "folder")
    with pytest.raises(DatabaseError):
        WebhookEvent.objects.exists()
    assert check_retention(None, databases=["other"]) == []


def test_the_check_leaves_invalid_settings_to_the_other_checks(settings):
    configure(settings, RETENTION_DAYS=0)
    assert check_retention(None, databases=["default"]) == []


def test_kill_switches_that_look_forgotten_are_named():
    def ids():
        messages = check_kill_switches(None, databases=["default"])
        return {message.id.rpartition(".")[2]: message.msg for message in messages}

    switch(6, flag="recent", until=None)
    switch(8, flag="ended")
    switch(8, flag="elsewhere", until=None, environment="elsewhere")
    assert ids() == {}
    assert check_kill_switches(None) == []
    switch(8, flag="old", until=None)
    switch(1, flag="rotated", until=None, key_digest="another key's")
    found = ids()
    assert found.keys() == {"W013", "W014"}
    assert found["W013"].endswith("on this site: old.")
    assert found["W014"].endswith("here: rotated.")
    assert {"django_vwo_webhooks.W013"} <= {each.id for each in run_checks(databases=["default"])}
