import sqlite3

import pytest
from django.db import OperationalError, connection, connections, transaction

from django_vwo_webhooks.connections import (
    close_connections,
    close_unusable_connections,
    inside_transaction,
    reconnected,
    use_unpooled_connection,
)


@pytest.mark.django_db(transaction=True)
def test_what_fails_for_another_reason_is_not_run_again():
    connection.ensure_connection()
    ran = []

    def fail():
        ran.append(connection.connection)
        raise OperationalError("no such table")

    with pytest.raises(OperationalError):
        reconnected("default", fail)
    assert len(ran) == 1
    assert connection.connection is ran[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("again", [True, False])
def test_what_fails_on_a_lost_connection_is_run_again_if_it_may(monkeypatch, again):
    connection.ensure_connection()
    ran = []

    def fail_once():
        ran.append(connection.connection)
        if len(ran) == 1:
            monkeypatch.setattr(connection, "is_usable", lambda: False)
            raise OperationalError("server closed the connection unexpectedly")
        connection.ensure_connection()
        return "done"

    if again:
        assert reconnected("default", fail_once) == "done"
        assert connection.connection is not ran[0]
    else:
        with pytest.raises(OperationalError):
            reconnected("default", fail_once, may_run_again=lambda: False)
        assert len(ran) == 1


@pytest.mark.django_db
def test_nothing_is_run_again_inside_a_transaction(monkeypatch):
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    ran = []

    def fail():
        ran.append(1)
        raise OperationalError("server closed the connection unexpectedly")

    with pytest.raises(OperationalError):
        reconnected("default", fail)
    assert ran == [1]


@pytest.mark.django_db(transaction=True)
def test_what_counts_as_inside_a_transaction():
    assert not inside_transaction("default")
    with transaction.atomic():
        assert inside_transaction("default")
    transaction.set_autocommit(False)
    try:
        assert inside_transaction("default")
    finally:
        transaction.set_autocommit(True)


@pytest.mark.django_db
def test_the_transaction_of_a_test_case_does_not_count():
    assert connection.in_atomic_block
    assert not inside_transaction("default")
    with transaction.atomic():
        assert inside_transaction("default")


@pytest.mark.django_db(transaction=True)
def test_a_threads_own_connection_is_from_no_pool(in_thread):
    connection.settings_dict["OPTIONS"]["pool"] = True
    found = []

    def use():
        own = use_unpooled_connection("default")
        found.append((own is connections["default"], "pool" in own.settings_dict["OPTIONS"]))

    try:
        in_thread(use).join()
        assert found == [(True, False)]
        assert connection.settings_dict["OPTIONS"]["pool"], "the site's own setting stays"
    finally:
        del connection.settings_dict["OPTIONS"]["pool"]


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_broken_and_old_connections_are_closed_but_not_the_threads_own(in_thread):
    found = []

    def use():
        own = use_unpooled_connection("default")
        own.ensure_connection()
        connections["other"].ensure_connection()
        for each in (own, connections["other"]):
            each.close_at = 0
        close_unusable_connections(but=own)
        found.append((own.connection is None, connections["other"].connection is None))

    in_thread(use).join()
    assert found == [(False, True)]


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_a_threads_connections_are_closed_in_memory_too(in_thread):
    """Python 3.13 warns of each that is freed while it is open, and Django leaves these open."""
    found = []

    def use():
        own = connections["other"].copy()
        own.settings_dict["NAME"] = "file:of_a_thread?mode=memory&cache=shared"
        connections["other"] = own
        own.ensure_connection()
        own.close()
        found.append(own.connection)
        found[0].execute("SELECT 1")
        close_connections()

    in_thread(use).join()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        found[0].execute("SELECT 1")
