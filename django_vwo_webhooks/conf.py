"""The site's setting ``VWO_WEBHOOKS``, a dict, as live and typed properties.

Every access reads ``django.conf.settings`` again, so ``override_settings`` just works. A missing
or invalid value raises ``ImproperlyConfigured`` with the line to write; the system checks report
the same messages at start.
"""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.exceptions import ImproperlyConfigured

from .under_test import test_run

EXAMPLES: dict[str, str] = {
    "ACCOUNT_ID": 'os.environ.get("VWO_ACCOUNT_ID")',
    "SDK_KEY": 'os.environ.get("VWO_SDK_KEY")',
    "SECRET": 'os.environ.get("VWO_WEBHOOK_SECRET")',
    "SDK_OPTIONS": "{}",
    "BROADCAST": '{"BACKEND": "django_vwo_webhooks.broadcast.database.DatabaseBroadcast"}',
    "REFRESH_TIMEOUT_SECONDS": "5",
    "RECONCILE_SECONDS": "600",
    "MAX_BODY_BYTES": "65536",
    "RETENTION_DAYS": '{"failed": 365, "default": 90}',
    "ENVIRONMENT": '"default"',
    "AUTHENTICATION": '["django_vwo_webhooks.authentication.SharedSecretAuthentication"]',
    "SIGNATURE_HEADER": '"x-vwo-signature"',
    "STORE_REMOTE_ADDR": "False",
    "STATUS_PERMISSION": '"rest_framework.permissions.IsAdminUser"',
}
"""Every key that ``VWO_WEBHOOKS`` may have, with an example of its value as Python code."""

SECRET_HEADER = "x-vwo-auth"  # noqa: S105 - the name of VWO's header, not a secret

VARIABLES = {
    "ACCOUNT_ID": "VWO_ACCOUNT_ID",
    "SDK_KEY": "VWO_SDK_KEY",
    "SECRET": "VWO_WEBHOOK_SECRET",
}
"""The environment variables that the examples read the required settings from."""

RETENTION_KEYS = {"changed", "unchanged", "failed", "default"}
LONGEST_DAYS = 36500


_get_kept = object.__getattribute__
"""What ``settings.NAME`` begins with, without the part of it that Django wrote in Python, which
would make ``get_client()`` slower by a third."""


def read_setting() -> Any:
    """``VWO_WEBHOOKS`` as it is now, not validated; an empty dict where the site has none."""
    try:
        return _get_kept(settings, "VWO_WEBHOOKS")
    except AttributeError:
        # Django has not kept the value yet
        return getattr(settings, "VWO_WEBHOOKS", {})


def what_to_write(name: str) -> str:
    """The line to write for a setting, and which environment variable to set."""
    line = f'Write: VWO_WEBHOOKS = {{…, "{name}": {EXAMPLES[name]}}}'
    if name not in VARIABLES:
        return line
    return f"{line} and set the environment variable {VARIABLES[name]}, or whichever the site reads"


class AppSettings:
    @property
    def account_id(self) -> str:
        """The VWO account id."""
        value = self._value("ACCOUNT_ID", None)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
            raise self._wrong("ACCOUNT_ID", "the id of your VWO account, a string or a number")
        return str(value)

    @property
    def sdk_key(self) -> str:
        """The SDK key of the VWO environment."""
        value = self._value("SDK_KEY", None)
        if isinstance(value, str) and value.strip():
            return value
        del value  # with DEBUG an error page shows local variables
        raise self._wrong("SDK_KEY", "the SDK key of your VWO environment, a string")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The accepted secrets; while there are none, every delivery is refused."""
        return tuple(secret for secret in self._secrets() if secret and secret.strip())

    @property
    def blank_secrets(self) -> int:
        """How many entries of ``SECRET`` are blank, as an unset environment variable makes them."""
        return len(self._secrets()) - len(self.secrets)

    def _secrets(self) -> tuple[str | None, ...]:
        value = self._value("SECRET", None)
        entries = (value,) if value is None or isinstance(value, str) else value
        if isinstance(entries, (list, tuple)) and all(
            secret is None or isinstance(secret, str) for secret in entries
        ):
            return tuple(entries)
        del value, entries  # with DEBUG an error page shows local variables
        raise self._wrong("SECRET", "the webhook's secret, a string or a list of strings")

    @property
    def sdk_options(self) -> dict[str, Any]:
        """Further options for the SDK's ``vwo.init``."""
        value = self._value("SDK_OPTIONS", {})
        if not isinstance(value, Mapping):
            raise self._wrong("SDK_OPTIONS", "a dict of options for the SDK")
        return dict(value)

    @property
    def broadcast(self) -> tuple[str, dict[str, Any]]:
        """The dotted path of the broadcast backend, and its keyword arguments."""
        value = self._value("BROADCAST", {})
        expected = 'a dict with "BACKEND", a dotted path, and optionally "OPTIONS", a dict'
        if not isinstance(value, Mapping) or not set(value) <= {"BACKEND", "OPTIONS"}:
            raise self._wrong("BROADCAST", expected)
        backend = value.get("BACKEND", "django_vwo_webhooks.broadcast.database.DatabaseBroadcast")
        options = value.get("OPTIONS", {})
        if not isinstance(backend, str) or not isinstance(options, Mapping):
            raise self._wrong("BROADCAST", expected)
        return backend, dict(options)

    @property
    def refresh_timeout_seconds(self) -> float:
        """How long one fetch from VWO may take in total."""
        return self._positive("REFRESH_TIMEOUT_SECONDS", 5)

    @property
    def reconcile_seconds(self) -> float:
        """How long after the last refresh of the fleet one process refreshes without a delivery."""
        return self._positive("RECONCILE_SECONDS", 600)

    @property
    def max_body_bytes(self) -> int:
        """The size of the largest request body that is accepted."""
        return self._whole("MAX_BODY_BYTES", 65536)

    @property
    def retention_days(self) -> dict[str, int]:
        """For how many days events are kept, by outcome; "default" is for all other outcomes."""
        value = self._value("RETENTION_DAYS", {})
        days = {"default": 90, **(value if isinstance(value, Mapping) else {"default": value})}
        if not days.keys() <= RETENTION_KEYS or not all(
            type(number) is int and 1 <= number <= LONGEST_DAYS for number in days.values()
        ):
            raise self._wrong(
                "RETENTION_DAYS",
                f"a number of days from 1 to {LONGEST_DAYS}, or a dict of such numbers with the "
                'keys "changed", "unchanged", "failed" and "default", each of them optional',
            )
        return days

    @property
    def environment(self) -> str:
        """The name that separates this site's rows from those of other sites in a database."""
        value = self._value("ENVIRONMENT", "default")
        if not isinstance(value, str) or not value.strip() or len(value) > 100:
            raise self._wrong("ENVIRONMENT", "a name of 1 to 100 characters")
        return value

    @property
    def authentication(self) -> tuple[str, ...]:
        """Dotted paths of DRF authentication classes; a request has to satisfy one of them."""
        default = ["django_vwo_webhooks.authentication.SharedSecretAuthentication"]
        value = self._value("AUTHENTICATION", default)
        if (
            not isinstance(value, (list, tuple))
            or not value
            or not all(isinstance(path, str) for path in value)
        ):
            raise self._wrong("AUTHENTICATION", "a list of dotted paths")
        return tuple(value)

    @property
    def signature_header(self) -> str:
        """The header that contains the HMAC signature."""
        value = self._value("SIGNATURE_HEADER", "x-vwo-signature")
        if not isinstance(value, str) or not value.strip():
            raise self._wrong("SIGNATURE_HEADER", "the name of a header")
        return value

    @property
    def owner(self) -> tuple[str, str]:
        """Whose snapshots apply here: the environment, and the digest of account id and SDK key."""
        return self.environment, self.key_digest

    @property
    def credential_headers(self) -> tuple[str, str]:
        """The headers that may contain a credential, in lower case; never raises."""
        signature = self._safely().get("SIGNATURE_HEADER")
        usable = isinstance(signature, str) and bool(signature.strip())
        name = signature if usable else "x-vwo-signature"
        return SECRET_HEADER, str(name).strip().lower()

    @property
    def store_remote_addr(self) -> bool:
        """Whether the addresses that deliveries come from are stored and logged."""
        value = self._value("STORE_REMOTE_ADDR", True)
        if not isinstance(value, bool):
            raise self._wrong("STORE_REMOTE_ADDR", "True or False")
        return value

    @property
    def status_permission(self) -> str:
        """The dotted path of the DRF permission class of those who may see the status."""
        value = self._value("STATUS_PERMISSION", "rest_framework.permissions.IsAdminUser")
        if not isinstance(value, str):
            raise self._wrong("STATUS_PERMISSION", "the dotted path of a DRF permission class")
        return value

    @property
    def offline(self) -> bool:
        """Whether this is a test run, in which no test has named a stand-in for VWO or a gateway.

        Then every flag is off unless a test overrides it: the database is not read, VWO is not
        asked, nothing is reported to it, and no thread is started. What the site's settings module
        names does not count, since it may be the proxy that leads to VWO.
        """
        if not test_run:
            return False
        values = self._safely()
        options = values.get("SDK_OPTIONS", {})
        if not values or not isinstance(options, Mapping):
            # settings that are gone or invalid change nothing about what happens already
            return False
        module = sys.modules.get(os.environ.get(ENVIRONMENT_VARIABLE, ""))
        is_the_sites = values == getattr(module, "VWO_WEBHOOKS", None)
        return is_the_sites or not {"proxy_url", "gateway_service"} & options.keys()

    @property
    def key_digest(self) -> str:
        """Identifies the owner of a row: a salted hash of account id and SDK key, 64 hex digits."""
        text = f"django_vwo_webhooks\0{self.account_id}\0{self.sdk_key}"
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def credentials(self) -> frozenset[str]:
        """The SDK key and the secrets, as far as they are there; never raises."""
        values = self._safely()
        found = [*_texts(values.get("SDK_KEY")), *_texts(values.get("SECRET"))]
        return frozenset(value for value in found if value.strip())

    def unknown_keys(self) -> list[str]:
        """The keys in ``VWO_WEBHOOKS`` that are not known settings."""
        return [str(key) for key in self._values() if key not in EXAMPLES]

    def _values(self) -> Mapping[str, Any]:
        values = read_setting()
        if not isinstance(values, Mapping):
            raise ImproperlyConfigured(
                "VWO_WEBHOOKS should be a dict. Write: "
                f'VWO_WEBHOOKS = {{"ACCOUNT_ID": {EXAMPLES["ACCOUNT_ID"]}, '
                f'"SDK_KEY": {EXAMPLES["SDK_KEY"]}, "SECRET": {EXAMPLES["SECRET"]}}}'
            )
        return values

    def _safely(self) -> Mapping[str, Any]:
        values = read_setting()
        return values if isinstance(values, Mapping) else {}

    def _value(self, name: str, default: Any) -> Any:
        return self._values().get(name, default)

    def _positive(self, name: str, default: float) -> float:
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < inf:
            raise self._wrong(name, "a number of seconds above 0")
        return value

    def _whole(self, name: str, default: int) -> int:
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._wrong(name, "a whole number above 0")
        return value

    def _wrong(self, name: str, expected: str) -> ImproperlyConfigured:
        # no local variable has the value: with DEBUG an error page shows them
        unset = not str(self._value(name, None) or "").strip()
        return ImproperlyConfigured(
            f'VWO_WEBHOOKS["{name}"] should be {expected}{"; it is unset or blank" * unset}. '
            f"{what_to_write(name)}"
        )


def _texts(value: Any) -> Iterator[str]:
    """The strings in a setting, which may be a list, and of another type than it should be."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _texts(item)


app_settings = AppSettings()
