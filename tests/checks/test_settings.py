"""An id, a message and a hint for each setting that is wrong."""

import sys

import pytest

from django_vwo_webhooks import conf
from django_vwo_webhooks.checks import check_settings
from tests.conftest import configure

INVALID = [
    ("ACCOUNT_ID", None, "E002"),
    ("ACCOUNT_ID", " ", "E002"),
    ("ACCOUNT_ID", True, "E002"),
    ("SDK_KEY", "", "E003"),
    ("SDK_KEY", 5, "E003"),
    ("SECRET", 5, "E004"),
    ("SECRET", [5], "E004"),
    ("SECRET", None, "E004"),
    ("SECRET", [], "E004"),
    ("SECRET", " ", "E004"),
    ("SECRET", ["long-enough-to-be-a-secret", ""], "E006"),
    ("SECRET", "short", "W002"),
    ("SECRET", "long-enough-to-be-a-secret\n", "W003"),
    ("SECRET", ["\ufefflong-enough-to-be-a-secret"], "W003"),
    ("SDK_OPTIONS", [], "E005"),
    ("SDK_OPTIONS", {"batch_event_data": {"events_per_request": "50"}}, "E010"),
    ("SDK_OPTIONS", {"gateway_service": None}, "E010"),
    ("SDK_OPTIONS", {"proxy_url": "proxy.example:8080"}, "E010"),
    ("SDK_OPTIONS", {"logger": {"level": "DEBUG"}}, "W006"),
    ("SDK_OPTIONS", {"threading": {"enabled": False}}, "W006"),
    ("SDK_OPTIONS", {"proxyUrl": "http://proxy.example"}, "W007"),
    ("BROADCAST", "x", "E005"),
    ("BROADCAST", {"BAKEND": "x"}, "E005"),
    ("BROADCAST", {"BACKEND": 5}, "E005"),
    ("BROADCAST", {"BACKEND": "no.such.Class"}, "E007"),
    ("BROADCAST", {"OPTIONS": {"pol_seconds": 1}}, "E008"),
    ("BROADCAST", {"OPTIONS": {"poll_seconds": "1"}}, "E008"),
    ("BROADCAST", {"BACKEND": "django_vwo_webhooks.broadcast.database"}, "E008"),
    ("BROADCAST", {"BACKEND": "threading.Lock"}, "E008"),
    ("REFRESH_TIMEOUT_SECONDS", 0, "E005"),
    ("REFRESH_TIMEOUT_SECONDS", float("inf"), "E005"),
    ("REFRESH_TIMEOUT_SECONDS", "5", "E005"),
    ("REFRESH_TIMEOUT_SECONDS", True, "E005"),
    ("RECONCILE_SECONDS", -1, "E005"),
    ("MAX_BODY_BYTES", 1.5, "E005"),
    ("RETENTION_DAYS", 0, "E005"),
    ("RETENTION_DAYS", True, "E005"),
    ("RETENTION_DAYS", None, "E005"),
    ("RETENTION_DAYS", 36501, "E005"),
    ("RETENTION_DAYS", [90], "E005"),
    ("RETENTION_DAYS", {"failed": 0}, "E005"),
    ("RETENTION_DAYS", {"default": None}, "E005"),
    ("RETENTION_DAYS", {"pending": 30}, "E005"),
    ("ENVIRONMENT", "", "E005"),
    ("ENVIRONMENT", "x" * 101, "E005"),
    ("AUTHENTICATION", "one", "E005"),
    ("AUTHENTICATION", [], "E005"),
    ("AUTHENTICATION", [5], "E005"),
    ("AUTHENTICATION", ["no.such.Class"], "E007"),
    ("AUTHENTICATION", ["datetime.datetime"], "E009"),
    ("STATUS_PERMISSION", 5, "E005"),
    ("STATUS_PERMISSION", "no.such.Class", "E007"),
    ("STATUS_PERMISSION", "rest_framework.authentication.BaseAuthentication", "E009"),
    ("SIGNATURE_HEADER", "", "E005"),
    ("STORE_REMOTE_ADDR", "no", "E005"),
    ("STORE_REMOTE_ADDR", 0, "E005"),
    ("SDK_KEY", "an-sdk-key\n", "W010"),
    ("SDK_KEY", " an-sdk-key", "W010"),
    ("SDK_KEY", "\ufeffan-sdk-key", "W010"),
    ("SDK_KEY", "an-sdk-\nkey", "W010"),
    ("ACCOUNT_ID", "123456\r\n", "W010"),
    ("ACCOUNT_ID", "123456\u200b", "W010"),
]


@pytest.mark.parametrize(("name", "value", "number"), INVALID)
def test_an_invalid_setting_is_reported_with_what_to_write(settings, name, value, number):
    configure(settings, **{name: value})
    messages = check_settings(None)
    assert [message.id for message in messages] == [f"django_vwo_webhooks.{number}"]
    assert f'VWO_WEBHOOKS["{name}"]' in messages[0].msg
    assert messages[0].hint


@pytest.mark.parametrize("unset", [None, "", " "])
def test_what_is_unset_is_reported_with_the_variable_to_set(settings, unset):
    settings.VWO_WEBHOOKS = {"ACCOUNT_ID": unset, "SDK_KEY": unset, "SECRET": unset}
    messages = check_settings(None)
    assert [message.id[-4:] for message in messages] == ["E002", "E003", "E004"]
    for message, name in zip(messages, conf.VARIABLES.values(), strict=True):
        assert "unset or blank" in message.msg
        assert f'os.environ.get("{name}")' in message.hint
        assert f"set the environment variable {name}" in message.hint


@pytest.mark.parametrize(("library", "extra"), [("redis", "redis"), ("psycopg", "postgres")])
def test_a_missing_library_is_reported_with_the_extra_to_install(
    settings, monkeypatch, library, extra
):
    name = f"django_vwo_webhooks.broadcast.{extra}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    configure(settings, BROADCAST={"BACKEND": f"{name}.{extra.title()}Broadcast"})
    [message] = check_settings(None)
    assert message.id == "django_vwo_webhooks.E007"
    assert message.hint == f'Run: pip install "django-vwo-webhooks[{extra}]"'


def test_an_unknown_key_is_reported_with_the_nearest_known_one(settings):
    configure(settings, SECRETS="x", WHATEVER=1)
    first, second = check_settings(None)
    assert first.id == second.id == "django_vwo_webhooks.W001"
    assert first.hint == 'Did you mean "SECRET"?'
    assert "ACCOUNT_ID" in second.hint


def test_a_setting_that_is_not_a_dict_or_is_missing(settings):
    settings.VWO_WEBHOOKS = "x"
    assert [message.id for message in check_settings(None)] == ["django_vwo_webhooks.E001"]
    del settings.VWO_WEBHOOKS
    numbers = [message.id[-4:] for message in check_settings(None)]
    assert numbers == ["E002", "E003", "E004"]


def test_a_valid_configuration_passes():
    assert check_settings(None) == []
