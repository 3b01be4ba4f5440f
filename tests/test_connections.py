import pytest
from django.db import connection, connections, transaction

from django_vwo_webhooks.connections import (
    close_unusable_connections,
    inside_transaction,
    mend_connections,
    use_unpooled_connection,
)
from tests.conftest import run_site


@pytest.mark.django_db
def test_greenlets_get_connections_of_their_own_where_gevent_came_late():
    """As ``gunicorn -k gevent --preload`` has it: Django is imported, then gevent patches."""
    pytest.importorskip("gevent")
    ran = run_site(
        """
import warnings
from django.db import connections
assert "default" in connections
connections["default"].ensure_connection()
warnings.simplefilter("ignore")
from gevent import monkey
monkey.patch_all()
import gevent
from django_vwo_webhooks.connections import mend_connections
for _ in range(2):
    mend_connections()

def use():
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
    gevent.sleep(0.01)
    found = id(connections["default"])
    connections.close_all()
    return found

greenlets = [gevent.spawn(use) for _ in range(3)]
assert len({greenlet.get() for greenlet in greenlets}) == 3
"""
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_without_gevent_nothing_is_mended():
    before = connections["default"]
    mend_connections()
    assert connections["default"] is before


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
