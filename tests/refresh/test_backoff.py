"""Any failed attempt backs off, in the whole fleet, and is logged once."""

import contextlib

import pytest
from django.db import connection

from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import start_site

pytestmark = pytest.mark.django_db(transaction=True)

SNAPSHOTS = SettingsSnapshot._meta.db_table
REFUSE = {
    "sqlite": [
        f"CREATE TRIGGER refuse BEFORE INSERT ON {SNAPSHOTS}"
        " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RAISE EXCEPTION ''disk full''; END'",
        f"CREATE TRIGGER refuse BEFORE INSERT ON {SNAPSHOTS}"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
    ],
    "mysql": [
        f"CREATE TRIGGER refuse BEFORE INSERT ON {SNAPSHOTS}"
        " FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'disk full'"
    ],
}
ACCEPT = {
    "sqlite": ["DROP TRIGGER refuse"],
    "postgresql": [f"DROP TRIGGER refuse ON {SNAPSHOTS}", "DROP FUNCTION refuse"],
    "mysql": ["DROP TRIGGER refuse"],
}


@pytest.fixture
def snapshots_can_not_be_stored():
    for sql in REFUSE[connection.vendor]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    yield
    for sql in ACCEPT[connection.vendor]:
        with connection.cursor() as cursor:
            cursor.execute(sql)


PROCESS = """
import time
from django_vwo_webhooks.client import get_client
get_client()
time.sleep(4)
"""


@pytest.mark.slow
def test_a_fleet_that_can_not_store_fetches_seldom_and_logs_little(
    vwo, snapshots_can_not_be_stored
):
    with contextlib.ExitStack() as stack:
        fleet = [stack.enter_context(start_site(PROCESS)) for _ in range(4)]
        logs = [process.communicate(timeout=60)[1] for process in fleet]
    assert not SettingsSnapshot.objects.exists()
    # at 0, 0.5, 1.5, 3.5 s, and at 7.5 s at the latest
    assert 2 <= len(vwo.fetches) <= 6
    assert RefreshLease.objects.get().failures == len(vwo.fetches)
    text = "".join(logs)
    assert text.count("could not be stored") == 1
    assert len(text) < 10_000


def test_what_was_refused_is_stored_once_it_can_be(vwo, deliver, snapshots_can_not_be_stored):
    assert deliver().status_code == 503
    assert deliver().json()["message"].startswith("VWO's settings could not be stored")


def test_after_a_failed_fetch_deliveries_back_off(vwo, deliver):
    deliver()
    vwo.misbehave(status=500)
    assert deliver(action="one").status_code == 503
    fetches = len(vwo.fetches)
    response = deliver(action="two")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    assert len(vwo.fetches) == fetches
    assert WebhookEvent.objects.get(action="two").outcome == "failed"
    vwo.behave()
    assert refresh_settings(), "a manual refresh ignores the backoff"
    assert not WebhookEvent.objects.exclude(finished_at=None).filter(error__gt="").exists()
    assert WebhookEvent.objects.filter(outcome="unchanged").count() == 2
