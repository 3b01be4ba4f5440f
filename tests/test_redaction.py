"""Texts without the SDK key and the secrets, however these are spelled."""

import json

import pytest

from django_vwo_webhooks.redaction import redact
from tests.conftest import configure


def test_it_removes_keys_and_secrets(settings):
    configure(settings, SDK_KEY="a/b", SECRET=["one-secret", "two-secret"])
    text = "k=a/b&q=a%2Fb one-secret two-secret"
    assert redact(text) == "k=***&q=*** *** ***"


SPELLED = {
    "plain": ("a-secret", "x a-secret y"),
    "in bytes": ("a-sécret", repr("a-sécret".encode())),
    "as Django decodes a header": ("a-sécret", "a-sécret".encode().decode("latin-1")),
    "in JSON": ('a-"sécret', json.dumps({"key": 'a-"sécret'})),
    "in the repr of a dict": ("a-'se\\cret", repr({"key": "a-'se\\cret"})),
    "in a form": ("a secret/1", "k=a+secret%2F1"),
    "stripped": ("a-secret\n", "x a-secret y"),
    "in a list of other types": (["a-secret", None, 5, b"bytes"], "a-secret"),
}


@pytest.mark.parametrize(("secret", "text"), SPELLED.values(), ids=SPELLED)
def test_it_finds_each_spelling(settings, secret, text):
    configure(settings, SECRET=secret)
    redacted = redact(text)
    assert "cret" not in redacted
    assert "***" in redacted


def test_it_finds_the_beginning_of_a_secret_where_a_text_was_cut(settings):
    configure(settings, SECRET="secret-0123456789")
    assert redact("it is secret-0123...", cut_mark="...") == "it is ***..."
    assert redact("it is se...", cut_mark="...") == "it is se..."
    assert redact("it is secret-0123...") == "it is secret-0123..."


@pytest.mark.parametrize("value", [None, "x", [], {"SECRET": 5}, {"SECRET": " ", "SDK_KEY": ""}])
def test_it_works_while_the_setting_is_invalid(settings, value):
    settings.VWO_WEBHOOKS = value
    assert redact("a text") == "a text"
