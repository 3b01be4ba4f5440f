"""A settings document is parsed as late as possible, and validated in words without its key."""

import pytest

from django_vwo_webhooks import changes
from django_vwo_webhooks.exceptions import InvalidSettings, NotJSON
from django_vwo_webhooks.sdk import document as module
from django_vwo_webhooks.sdk.document import Fetched, ValidatedSettings, validate
from django_vwo_webhooks.testing import build_settings, feature

KEY = "sdk-key-that-must-not-leak-0123456789"


def test_bytes_become_a_document_and_its_digest():
    fetched = Fetched(b'{"version": 1, "sdkKey": "k"}')
    assert fetched.document == {"version": 1, "sdkKey": "k"}
    assert fetched.digest == changes.digest({"version": 1})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<html>", "is not JSON"),
        (b'{"a": NaN}', "is not JSON"),
        (b"\xff\xfe{", "is not JSON"),
        (b"", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
    ],
)
def test_what_is_not_a_json_object_is_a_failure(raw, reason):
    with pytest.raises(NotJSON, match=reason):
        _ = Fetched(raw).document
    with pytest.raises(NotJSON, match=reason):
        _ = Fetched(raw).digest


def test_the_same_bytes_as_last_time_are_not_parsed_again(monkeypatch):
    first = Fetched(b'{"version": 1}').digest
    monkeypatch.delattr(module, "digest")
    assert Fetched(b'{"version": 1}').digest == first


def test_a_document_that_matches_the_schema_is_marked_as_validated():
    document = build_settings(feature("new_checkout"))
    validated = validate(document)
    assert isinstance(validated, ValidatedSettings)
    assert validated == document


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"accountId": [KEY]}, "at accountId: "),
        ({"features": [{"key": KEY}]}, r"at features\[0\]: "),
        ({"features": KEY}, "at features: "),
    ],
)
def test_a_document_that_does_not_match_it_is_a_failure_that_names_the_place(change, reason):
    with pytest.raises(InvalidSettings, match=reason) as raised:
        validate({**build_settings(feature("new_checkout")), **change})
    assert KEY not in str(raised.value)


def test_what_is_missing_is_named():
    with pytest.raises(InvalidSettings, match="schema at the top: version, accountId, campaigns"):
        validate({})
