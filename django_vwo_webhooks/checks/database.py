"""Whether the database is supported, migrated and pruned, and kill switches that look forgotten."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, NotSupportedError, connections, transaction

from ..changes import printable
from ..conf import app_settings
from ..models import KillSwitch, WebhookEvent
from ..models.base import database
from ..models.clock import DatabaseClock, unix_now

LARGE = 100_000
"""The number of events above which a table that is never pruned is reported."""

FORGOTTEN_AFTER = timedelta(days=7)
"""How long a kill switch may be in use before it is reported."""


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


def check_kill_switches(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """For ``check --database`` and ``migrate``: those that seem to be forgotten."""
    switches = KillSwitch.objects.all()
    if switches.db not in (databases or ()):
        return []
    try:
        with transaction.atomic(using=switches.db):
            old = DatabaseClock.read(switches.db).now() - FORGOTTEN_AFTER
            in_use = switches.in_use()
            forgotten = [each for each in in_use if each.is_ours and each.used_at < old]
    except (ImproperlyConfigured, DatabaseError, InterfaceError):
        return []
    foreign = [each for each in in_use if not each.is_ours]
    warnings: list[CheckMessage] = []
    if forgotten:
        warnings.append(
            Warning(
                "For more than a week kill switches have kept these flags off on this site: "
                f"{_flags(forgotten)}.",
                hint="Switch the flags off at VWO, or remove them from the code. Then run "
                "manage.py vwo_kill_switch KEY --release for each.",
                id="django_vwo_webhooks.W013",
            )
        )
    if foreign:
        warnings.append(
            Warning(
                "There are kill switches of another account or SDK key, which switch nothing off "
                f"here: {_flags(foreign)}.",
                hint="If the flags should be off here, too, run manage.py vwo_kill_switch KEY "
                '--reason "…" for each; if not, manage.py vwo_kill_switch KEY --release.',
                id="django_vwo_webhooks.W014",
            )
        )
    return warnings


def _flags(switches: list[KillSwitch]) -> str:
    return ", ".join(sorted({printable(switch.flag) for switch in switches}))


def check_tables(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """For ``check --database``; ``migrate`` would report what it is about to mend itself."""
    using = database()
    if using not in (databases or ()) or "migrate" in sys.argv:
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
