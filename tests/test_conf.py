"""The setting VWO_WEBHOOKS: read live, typed, and with defaults."""

import pytest
from django.core.exceptions import ImproperlyConfigured

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
    "store_remote_addr": True,
}


@pytest.mark.parametrize(("name", "value"), DEFAULTS.items())
def test_defaults(settings, name, value):
    settings.VWO_WEBHOOKS = {}
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


def test_retention_is_one_number_or_a_number_by_outcome(settings):
    configure(settings, RETENTION_DAYS=30)
    assert app_settings.retention_days == {"default": 30}
    configure(settings, RETENTION_DAYS={"failed": 365})
    assert app_settings.retention_days == {"failed": 365, "default": 90}
    configure(settings, RETENTION_DAYS={"unchanged": 7, "default": 36500})
    assert app_settings.retention_days == {"unchanged": 7, "default": 36500}


def test_blank_secrets_are_never_accepted(settings):
    configure(settings, SECRET=["", "  ", None, "two"])
    assert app_settings.secrets == ("two",)
    configure(settings, SECRET=None)
    assert app_settings.secrets == ()


def test_an_invalid_value_is_an_error_with_the_line_to_write(settings):
    configure(settings, ACCOUNT_ID=None)
    with pytest.raises(ImproperlyConfigured, match=r"VWO_WEBHOOKS = \{…, \"ACCOUNT_ID\""):
        _ = app_settings.account_id


@pytest.mark.parametrize("value", [None, "x", [], {"SECRET": 5}, {"SECRET": " ", "SDK_KEY": ""}])
def test_what_credentials_look_like_is_known_while_the_setting_is_invalid(settings, value):
    settings.VWO_WEBHOOKS = value
    assert app_settings.credentials == frozenset()
    assert app_settings.credential_headers == ("x-vwo-auth", "x-vwo-signature")
