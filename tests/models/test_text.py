"""Text that a database can't hold is escaped where it goes into a row, whatever the row."""

import pytest
from django.db import connection

from django_vwo_webhooks.models import FleetProcess, RefreshLease, WebhookEvent, text
from django_vwo_webhooks.models.text import fitting, storable
from tests.conftest import configure, only_event

# what is stored of each text where the database holds these character sets
FITTING = {
    ("UTF8",): {"Zoë 😀": "Zoë 😀", "a\0b": "a\\u0000b", "\ud83d": "\\ud83d"},
    ("utf8mb4", "utf8mb3"): {"Zoë 😀": "Zoë \\ud83d\\ude00", "Łukasz": "Łukasz"},
    ("utf8",): {"€ 😀": "€ \\ud83d\\ude00", "\udfff": "\\udfff"},
    ("latin1", "utf8mb4"): {"Zoë €": "Zoë €", "Łukasz": "\\u0141ukasz", "\x81": "\\u0081"},
    ("LATIN1",): {"Zoë \x81": "Zoë \x81", "€ Ł": "\\u20ac \\u0141", "\0": "\\u0000"},
    ("SQL_ASCII", "UTF8"): {"Zoë": "Zo\\u00eb", "plain": "plain"},
    ("gbk",): {"中": "\\u4e2d"},
}


@pytest.mark.parametrize("names", FITTING, ids=" ".join)
def test_what_is_escaped_for_a_character_set(monkeypatch, names):
    unheld = [text.UNHELD.get(name, text.NOT_ASCII) for name in names]
    monkeypatch.setitem(text._unheld_by_alias, "default", unheld)
    for given, stored in FITTING[names].items():
        assert fitting(given, connection) == stored


def test_a_payload_keeps_what_any_database_can_hold():
    assert storable("Zoë 😀 \0\ud83d") == "Zoë 😀 \\u0000\\ud83d"


@pytest.fixture
def ascii_only(monkeypatch):
    """As a database has it that can hold no other text; it is asked about its own one."""
    monkeypatch.setitem(text._unheld_by_alias, "default", [text.NOT_ASCII])


@pytest.mark.django_db(transaction=True)
def test_an_environment_of_any_name_has_its_own_rows(vwo, deliver, settings, ascii_only):
    configure(settings, ENVIRONMENT="Łódź 😀")
    assert deliver().status_code == 200
    vwo.set_flag("new_checkout", enabled=False)
    assert deliver(action="off").status_code == 200
    assert {event.environment for event in WebhookEvent.objects.ours()} == {
        "\\u0141\\u00f3d\\u017a \\ud83d\\ude00"
    }
    assert RefreshLease.objects.ours().count() == 1


@pytest.mark.django_db(transaction=True)
def test_rows_are_found_by_the_text_that_was_sent(vwo, deliver, ascii_only):
    assert deliver(triggered_by="Zoë 😀").status_code == 200
    assert only_event().triggered_by == "Zo\\u00eb \\ud83d\\ude00"
    assert only_event().payload["triggered_by"] == "Zoë 😀"
    for found in (
        WebhookEvent.objects.filter(triggered_by="Zoë 😀"),
        WebhookEvent.objects.filter(triggered_by__in=["Zoë 😀"]),
    ):
        assert found.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_process_with_a_name_that_is_not_unicode_has_its_row(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/srv/gunicorn-\udcff"])
    FleetProcess.objects.write_heartbeat(FleetProcess.for_this_process())
    assert FleetProcess.objects.get().kind == "gunicorn-\\udcff"


@pytest.mark.django_db
def test_the_reason_of_a_failure_may_have_any_characters(vwo):
    WebhookEvent.objects.all().fail(1, "Ł \0 \ud800")
    lease = RefreshLease.objects.read()
    RefreshLease.objects.fail(lease, "Ł \0 \ud800")
    assert RefreshLease.objects.read().error == fitting("Ł \0 \ud800", connection)
