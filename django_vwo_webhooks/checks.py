"""System checks: what is wrong with ``VWO_WEBHOOKS``, and what to write instead."""

import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, NotSupportedError, connections, transaction
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication

from .broadcast import Broadcast
from .conf import EXAMPLES, app_settings, what_to_write
from .models import WebhookEvent
from .models.base import database
from .models.clock import DatabaseClock, unix_now
from .sdk_options import accepted_options

MIN_SECRET_LENGTH = 16

LARGE = 100_000
"""The number of events above which a table that is never pruned is reported."""

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
        *_broadcast(),
        *_sdk_options(),
        *_whitespace(),
    ]


def check_database(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Whether the database that this app's tables are in is one of the supported ones."""
    connection = connections[database()]
    try:
        unix_now(connection)
    except NotSupportedError as error:
        return [
            Error(
                f"{error} (The database {connection.alias!r} has the engine "
                f"{connection.settings_dict['ENGINE']!r}.)",
                hint="Put a supported database into DATABASES, and direct this app's models to it "
                "by a router in DATABASE_ROUTERS.",
                id="django_vwo_webhooks.E011",
            )
        ]
    return []


def check_redirects(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What makes Django redirect a delivery: VWO does not follow redirects."""
    try:
        path = reverse("django_vwo_webhooks:webhook")
    except NoReverseMatch:
        return []
    messages: list[CheckMessage] = []
    if settings.PREPEND_WWW:
        messages.append(
            Warning(
                "PREPEND_WWW redirects a delivery to a host without www, and VWO does not follow "
                "redirects.",
                hint=f"Enter https://www.your.site{path} as the webhook's URL in VWO, then add "
                '"django_vwo_webhooks.W011" to SILENCED_SYSTEM_CHECKS.',
                id="django_vwo_webhooks.W011",
            )
        )
    exempt = any(re.search(each, path.lstrip("/")) for each in settings.SECURE_REDIRECT_EXEMPT)
    if settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER and not exempt:
        messages.append(
            Warning(
                "SECURE_SSL_REDIRECT is set without SECURE_PROXY_SSL_HEADER. Behind a proxy that "
                "ends TLS, each delivery is redirected, and VWO does not follow redirects.",
                hint="Let the proxy send the header, and write: SECURE_PROXY_SSL_HEADER = "
                '("HTTP_X_FORWARDED_PROTO", "https"). Without such a proxy, add '
                '"django_vwo_webhooks.W012" to SILENCED_SYSTEM_CHECKS.',
                id="django_vwo_webhooks.W012",
            )
        )
    return messages


def check_urls(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        reverse("django_vwo_webhooks:webhook")
    except NoReverseMatch:
        return [
            Warning(
                "The webhook's URL is not included, so VWO has no URL to post to.",
                hint='Write in your URLs: path("webhooks/vwo/", '
                'include("django_vwo_webhooks.urls"))',
                id="django_vwo_webhooks.W004",
            )
        ]
    return []


def check_retention(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """For ``check --database`` and ``migrate``; silent if the database can't be queried."""
    events = WebhookEvent.objects.order_by()
    if events.db not in (databases or ()):
        return []
    try:
        longest = timedelta(days=max(app_settings.retention_days.values()))
        with transaction.atomic(using=events.db):
            now = DatabaseClock.read(events.db).now()
            overdue = events.ours().filter(received_at__lt=now - 2 * longest)
            never_pruned = overdue.exists() and events.ours()[: LARGE + 1].count() > LARGE
    except (ImproperlyConfigured, DatabaseError, InterfaceError):
        return []
    if not never_pruned:
        return []
    return [
        Warning(
            f"There are more than {LARGE:,} webhook events, some of them older than twice "
            f"RETENTION_DAYS ({longest.days}): it seems that they have never been pruned.",
            hint="Run manage.py vwo_prune, and have cron or another scheduler run it each night.",
            id="django_vwo_webhooks.W005",
        )
    ]


def check_tables(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """For ``check --database``; ``migrate`` would report what it is about to mend itself."""
    using = database()
    if using not in (databases or ()) or sys.argv[1:2] == ["migrate"]:
        return []
    try:
        lacking = _lacking(using)
    except (DatabaseError, InterfaceError):
        return []
    if not lacking:
        return []
    return [
        Warning(
            f'The database "{using}" lacks {", ".join(lacking)}.',
            hint="Run manage.py migrate.",
            id="django_vwo_webhooks.W008",
        )
    ]


def _lacking(using: str) -> list[str]:
    """The tables and columns of the models that are not there."""
    introspection = connections[using].introspection
    lacking = []
    with connections[using].cursor() as cursor:
        tables = introspection.table_names(cursor)
        for model in apps.get_app_config("django_vwo_webhooks").get_models():
            table = model._meta.db_table
            if table not in tables:
                lacking.append(f"the table {table}")
                continue
            found = {column.name for column in introspection.get_table_description(cursor, table)}
            fields = model._meta.local_concrete_fields
            lacking += [f"{table}.{field.column}" for field in fields if field.column not in found]
    return lacking


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
    if any(secret != secret.strip() for secret in secrets):
        yield Warning(
            'VWO_WEBHOOKS["SECRET"] should not begin or end with whitespace, which HTTP '
            "headers can't carry.",
            hint="Strip the secret, for instance where it is read from a file.",
            id="django_vwo_webhooks.W003",
        )


def _whitespace() -> Iterable[CheckMessage]:
    for name in ("ACCOUNT_ID", "SDK_KEY"):
        try:
            value = getattr(app_settings, name.lower())
        except ImproperlyConfigured:
            continue
        if value != value.strip():
            yield Warning(
                f'VWO_WEBHOOKS["{name}"] should not begin or end with whitespace, such as the '
                "newline at the end of a file: VWO does not know it then.",
                hint=f'Strip it: "{name}": value.strip()',
                id="django_vwo_webhooks.W010",
            )


def _authentication() -> Iterable[CheckMessage]:
    try:
        paths = app_settings.authentication
    except ImproperlyConfigured:
        return
    for path in paths:
        try:
            found = import_string(path)
        except ImportError as error:
            yield _not_imported("AUTHENTICATION", path, error)
            continue
        if not (isinstance(found, type) and issubclass(found, BaseAuthentication)):
            yield Error(
                f'VWO_WEBHOOKS["AUTHENTICATION"] names "{path}", which should be a subclass of '
                "rest_framework.authentication.BaseAuthentication.",
                hint=f'Write: VWO_WEBHOOKS = {{…, "AUTHENTICATION": {EXAMPLES["AUTHENTICATION"]}}}',
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
            f'"OPTIONS": {app_settings.redact(str(error))}',
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
