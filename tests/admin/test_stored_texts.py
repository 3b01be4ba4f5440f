"""Reasons and credentials are stored in English, and shown in the language of the reader."""

import ast
from pathlib import Path

import pytest
from django.utils import translation

import django_vwo_webhooks
from django_vwo_webhooks import exceptions
from django_vwo_webhooks.admin.stored_texts import in_readers_language
from django_vwo_webhooks.models import WebhookEvent
from tests.admin.conftest import EVENTS, event_at, event_page, page

PACKAGE = Path(django_vwo_webhooks.__file__).parent
LONG = "x" * 1000


def german(text):
    with translation.override("de"):
        return in_readers_language(text)


def reasons_in_code():
    """The sentences that the refresh fails with; each value in them is ``x``."""
    found = set()
    for path in [*(PACKAGE / "sdk").rglob("*.py"), *(PACKAGE / "refresh").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            is_reason = hasattr(exceptions, node.func.id) and node.func.id != "InsideTransaction"
            if is_reason and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
                parts = getattr(node.args[0], "values", [node.args[0]])
                found.add("".join(getattr(part, "value", "") if isinstance(part, ast.Constant)
                                  else "x" for part in parts))  # fmt: skip
    return {text for text in found if not text.startswith("This is a test run")}


def test_each_reason_of_the_code_is_translated():
    reasons = reasons_in_code()
    assert len(reasons) >= 18
    for reason in reasons:
        assert german(reason) != reason
        with translation.override("en"):
            assert in_readers_language(reason) == reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("secret 12", "Secret 12"),
        ("secret 1, signature 2", "Secret 1, Signatur 2"),
        (
            "VWO's settings do not match the SDK's schema at the top: version, features missing.",
            "Die Einstellungen von VWO entsprechen nicht dem Schema des SDK. "
            "Stelle: oberste Ebene; Grund: version, features fehlt.",
        ),
        (
            "VWO's settings could not be stored. The database lacks tables or columns that this "
            "version of the site needs. Run: manage.py migrate",
            "Die Einstellungen von VWO konnten nicht gespeichert werden. Der Datenbank fehlen "
            "Tabellen oder Spalten, die diese Version der Site benötigt. "
            "Führen Sie aus: manage.py migrate",
        ),
        ("No answer from VWO (x): SSLError.", "Keine Antwort von VWO (x): SSLError."),
        ("a reason of an earlier version: 100 %s", "a reason of an earlier version: 100 %s"),
        ("", ""),
        (f"VWO's answer is not JSON: {LONG}.", f"VWO's answer is not JSON: {LONG}."),
    ],
)
def test_a_text_is_translated_with_those_in_it(text, expected):
    assert german(text) == expected


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_shown_in_german(vwo, deliver, admin_client, settings):
    vwo.refuse()
    deliver()
    event = WebhookEvent.objects.get()
    assert "connection refused" in event.error
    settings.LANGUAGE_CODE = "de"
    pages = [page(admin_client, EVENTS), event_page(admin_client, event)]
    vwo.accept()
    vwo.misbehave(status=500)
    pages.append(admin_client.post(f"{EVENTS}refresh/", follow=True).content.decode())
    assert "Verbindung abgelehnt" in pages[0]
    assert "Verbindung abgelehnt" in pages[1]
    assert "Secret 1" in pages[1]
    assert pages[2].count("antwortete mit HTTP 500") >= 2  # the message and the overview


@pytest.mark.django_db(transaction=True)
def test_the_filter_names_the_secrets_in_german(admin_client, settings):
    settings.LANGUAGE_CODE = "de"
    for number in (1, 2):
        event_at(credential=f"secret {number}")
    text = page(admin_client, EVENTS)
    assert "Secret 2: " in text
    assert "credential=secret+2" in text or "credential=secret%202" in text
