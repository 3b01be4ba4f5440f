"""Whether the database is supported, migrated, and pruned."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, NotSupportedError, connections, transaction

from ..conf import app_settings
from ..models import WebhookEvent
from ..models.base import database
from ..models.clock import DatabaseClock, unix_now

LARGE = 100_000
"""The number of events above which a table that is never pruned is reported."""


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
