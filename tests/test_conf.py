"""VWO_WEBHOOKS: live, typed, and clear about what is wrong."""

import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_vwo_webhooks.checks import check_settings, check_urls
from django_vwo_webhooks.conf import app_settings
from tests.conftest import configure

DEFAULTS = {
    "sdk_options": {},
    "broadcast": ("django_vwo_webhooks.broadcast.database.DatabaseBroadcast", {}),
    "refresh_timeout_seconds": 5,
    "reconcile_seconds": 600,
    "max_body_bytes": 65536,
    "retention_days": {"default": 90},
    "environment": "default",
    "authentication": ("django_vwo_webhooks.authentication.SharedSecretAuthentication",),
}


@pytest.mark.parametrize(("name", "value"), DEFAULTS.items())
def test_defaults(name, value):
    assert getattr(app_settings, name) == value


def test_settings_are_read_live(settings):
    configure(settings, ACCOUNT_ID=42, REFRESH_TIMEOUT_SECONDS=1.5)
    assert app_settings.account_id == "42"
    assert app_settings.refresh_timeout_seconds == 1.5


def test_one_secret_or_a_list_while_rotating(settings):
    configure(settings, SECRET="one")
    assert app_settings.secrets == ("one",)
    configure(settings, SECRET=["one", "two"])
    assert app_settings.secrets == ("one", "two")


def test_events_are_kept_equally_long_or_by_outcome(settings):
    configure(settings, RETENTION_DAYS=30)
    assert app_settings.retention_days == {"default": 30}
    configure(settings, RETENTION_DAYS={"failed": 365})
    assert app_settings.retention_days == {"failed": 365, "default": 90}
    configure(settings, RETENTION_DAYS={"unchanged": 7, "default": 36500})
    assert app_settings.retention_days == {"unchanged": 7, "default": 36500}


def test_blank_secrets_open_nothing(settings):
    configure(settings, SECRET=["", "  ", None, "two"])
    assert app_settings.secrets == ("two",)
    configure(settings, SECRET=None)
    assert app_settings.secrets == ()


WRONG = [
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
    ("SDK_OPTIONS", [], "E005"),
    ("SDK_OPTIONS", {"logger": {"level": "DEBUG"}}, "W006"),
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
    ("SIGNATURE_HEADER", "", "E005"),
]


@pytest.mark.parametrize(("name", "value", "number"), WRONG)
def test_a_check_says_what_is_wrong_and_what_to_write(settings, name, value, number):
    configure(settings, **{name: value})
    messages = check_settings(None)
    assert [message.id for message in messages] == [f"django_vwo_webhooks.{number}"]
    assert f'VWO_WEBHOOKS["{name}"]' in messages[0].msg
    assert messages[0].hint


def test_a_wrong_value_is_an_error_with_the_line_to_write(settings):
    configure(settings, ACCOUNT_ID=None)
    with pytest.raises(ImproperlyConfigured, match=r"VWO_WEBHOOKS = \{…, \"ACCOUNT_ID\""):
        _ = app_settings.account_id


@pytest.mark.parametrize(("library", "extra"), [("redis", "redis"), ("psycopg", "postgres")])
def test_a_bell_whose_library_is_missing_names_the_extra(settings, monkeypatch, library, extra):
    name = f"django_vwo_webhooks.broadcast.{extra}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    configure(settings, BROADCAST={"BACKEND": f"{name}.{extra.title()}Broadcast"})
    [message] = check_settings(None)
    assert message.id == "django_vwo_webhooks.E007"
    assert message.hint == f'Run: pip install "django-vwo-webhooks[{extra}]"'


def test_an_unknown_key_is_named_with_the_nearest_known_one(settings):
    configure(settings, SECRETS="x", WHATEVER=1)
    first, second = check_settings(None)
    assert first.id == second.id == "django_vwo_webhooks.W001"
    assert first.hint == 'Did you mean "SECRET"?'
    assert "ACCOUNT_ID" in second.hint


def test_no_dict_at_all(settings):
    settings.VWO_WEBHOOKS = "x"
    assert [message.id for message in check_settings(None)] == ["django_vwo_webhooks.E001"]
    del settings.VWO_WEBHOOKS
    numbers = [message.id[-4:] for message in check_settings(None)]
    assert numbers == ["E002", "E003", "E004"]


def test_a_right_configuration_passes():
    assert check_settings(None) == []
    assert check_urls(None) == []


def test_urls_that_are_not_included(settings):
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    assert [message.id for message in check_urls(None)] == ["django_vwo_webhooks.W004"]


def test_redaction_takes_out_keys_and_secrets(settings):
    configure(settings, SDK_KEY="a/b", SECRET=["one-secret", "two-secret"])
    text = "k=a/b&q=a%2Fb one-secret two-secret"
    assert app_settings.redact(text) == "k=***&q=*** *** ***"
