"""System checks: what is wrong with ``VWO_WEBHOOKS``, and what to write instead."""

import difflib
from collections.abc import Iterable
from typing import Any
from unicodedata import category

from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission

from ..broadcast import Broadcast
from ..conf import EXAMPLES, app_settings, what_to_write
from ..redaction import redact
from ..sdk_options import accepted_options

MIN_SECRET_LENGTH = 16

INVISIBLE = {"Cc", "Cf"}
"""The Unicode categories of characters that nobody sees: control and format."""

IDS = {
    "ACCOUNT_ID": "E002",
    "SDK_KEY": "E003",
    "SECRET": "E004",
}
"""The ids for settings without a default; for any other setting, an invalid value is E005."""

SDK_OPTION_PROBLEMS = {
    "invalid": (Error, "E010"),
    "ignored": (Warning, "W006"),
    "unknown": (Warning, "W007"),
}
"""Level and id, by what is wrong with one of the SDK's options."""

EXTRAS = {"redis": "redis", "psycopg": "postgres"}
"""The extra of this package that installs a library, by the library's name."""


def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        unknown = app_settings.unknown_keys()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="django_vwo_webhooks.E001")]
    return [
        *_unknown(unknown),
        *_types(),
        *_secret(),
        *_authentication(),
        *_status_permission(),
        *_broadcast(),
        *_sdk_options(),
        *_whitespace(),
    ]


def _unknown(keys: list[str]) -> Iterable[CheckMessage]:
    for key in keys:
        near = difflib.get_close_matches(key.upper(), EXAMPLES, n=1)
        hint = f'Did you mean "{near[0]}"?' if near else f"Known keys: {', '.join(EXAMPLES)}."
        yield Warning(
            f'VWO_WEBHOOKS has an unknown key "{key}".', hint=hint, id="django_vwo_webhooks.W001"
        )


def _types() -> Iterable[CheckMessage]:
    for name in EXAMPLES:
        attribute = "secrets" if name == "SECRET" else name.lower()
        try:
            getattr(app_settings, attribute)
        except ImproperlyConfigured as error:
            message, _, hint = str(error).partition(" Write: ")
            number = IDS.get(name, "E005")
            yield Error(message, hint=f"Write: {hint}", id=f"django_vwo_webhooks.{number}")


def _secret() -> Iterable[CheckMessage]:
    try:
        secrets, blanks = app_settings.secrets, app_settings.blank_secrets
    except ImproperlyConfigured:
        return
    hint = what_to_write("SECRET")
    if not secrets:
        yield Error(
            'VWO_WEBHOOKS["SECRET"] should be the key that VWO generated for the webhook; '
            "it is unset or blank, so every delivery is refused.",
            hint=hint,
            id="django_vwo_webhooks.E004",
        )
    elif blanks:
        yield Error(
            'VWO_WEBHOOKS["SECRET"] should not contain blank entries; is an environment '
            "variable unset?",
            hint='Set that variable, or remove the blank entry from "SECRET".',
            id="django_vwo_webhooks.E006",
        )
    if any(len(secret) < MIN_SECRET_LENGTH for secret in secrets):
        yield Warning(
            f'VWO_WEBHOOKS["SECRET"] should have at least {MIN_SECRET_LENGTH} characters.',
            hint="Let VWO generate the key.",
            id="django_vwo_webhooks.W002",
        )
    if any(map(_is_unclean, secrets)):
        yield Warning(
            'VWO_WEBHOOKS["SECRET"] should not begin or end with whitespace, or contain invisible '
            "characters such as a byte order mark, which HTTP headers can't carry.",
            hint="Strip the secret, for instance where it is read from a file.",
            id="django_vwo_webhooks.W003",
        )


def _whitespace() -> Iterable[CheckMessage]:
    for name in ("ACCOUNT_ID", "SDK_KEY"):
        try:
            value = getattr(app_settings, name.lower())
        except ImproperlyConfigured:
            continue
        if _is_unclean(value):
            yield Warning(
                f'VWO_WEBHOOKS["{name}"] should not begin or end with whitespace, such as the '
                "newline at the end of a file, or contain invisible characters, such as the byte "
                "order mark at its beginning: VWO does not know it then.",
                hint=f'Strip it: "{name}": value.strip().strip("\\ufeff")',
                id="django_vwo_webhooks.W010",
            )


def _is_unclean(value: str) -> bool:
    """Whether it has what a file or a clipboard adds, and nobody sees."""
    return value != value.strip() or any(category(one) in INVISIBLE for one in value)


def _authentication() -> Iterable[CheckMessage]:
    try:
        paths = app_settings.authentication
    except ImproperlyConfigured:
        return
    for path in paths:
        yield from _subclass("AUTHENTICATION", path, BaseAuthentication)


def _status_permission() -> Iterable[CheckMessage]:
    try:
        path = app_settings.status_permission
    except ImproperlyConfigured:
        return
    yield from _subclass("STATUS_PERMISSION", path, BasePermission)


def _subclass(name: str, path: str, base: type) -> Iterable[CheckMessage]:
    """What is wrong with a path that should be that of a subclass of ``base``, if anything is."""
    try:
        found = import_string(path)
    except ImportError as error:
        yield _not_imported(name, path, error)
        return
    if not (isinstance(found, type) and issubclass(found, base)):
        yield Error(
            f'VWO_WEBHOOKS["{name}"] names "{path}", which should be a subclass of '
            f"{base.__module__}.{base.__qualname__}.",
            hint=f'Write: VWO_WEBHOOKS = {{…, "{name}": {EXAMPLES[name]}}}',
            id="django_vwo_webhooks.E009",
        )


def _broadcast() -> Iterable[CheckMessage]:
    try:
        path, options = app_settings.broadcast
    except ImproperlyConfigured:
        return
    try:
        backend = import_string(path)(**options)
    except ImportError as error:
        yield _not_imported("BROADCAST", path, error)
    except Exception as error:
        yield Error(
            f'VWO_WEBHOOKS["BROADCAST"] names "{path}", which can\'t be created with its '
            f'"OPTIONS": {redact(str(error))}',
            hint=f'Write: VWO_WEBHOOKS = {{…, "BROADCAST": {EXAMPLES["BROADCAST"]}}}',
            id="django_vwo_webhooks.E008",
        )
    else:
        if isinstance(backend, Broadcast):
            backend.close()
        else:
            yield Error(
                f'VWO_WEBHOOKS["BROADCAST"] names "{path}", which should be a subclass of '
                "django_vwo_webhooks.broadcast.Broadcast.",
                hint=f'Write: VWO_WEBHOOKS = {{…, "BROADCAST": {EXAMPLES["BROADCAST"]}}}',
                id="django_vwo_webhooks.E008",
            )


def _not_imported(name: str, path: str, error: ImportError) -> CheckMessage:
    extra = EXTRAS.get(error.name or "")
    return Error(
        f'VWO_WEBHOOKS["{name}"] names "{path}", which can\'t be imported: {error}',
        hint=f'Run: pip install "django-vwo-webhooks[{extra}]"'
        if extra
        else f'Write: VWO_WEBHOOKS = {{…, "{name}": {EXAMPLES[name]}}}',
        id="django_vwo_webhooks.E007",
    )


def _sdk_options() -> Iterable[CheckMessage]:
    try:
        options = app_settings.sdk_options
    except ImproperlyConfigured:
        return
    _, problems = accepted_options(options)
    for kind, message, hint in problems:
        level, number = SDK_OPTION_PROBLEMS[kind]
        yield level(message, hint=hint, id=f"django_vwo_webhooks.{number}")
