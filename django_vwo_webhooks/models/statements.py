"""How the statements of the hot path are written out.

The ORM builds each of them anew, which takes 0.3 to 1 ms of Python against the 0.1 ms that the
database needs: a tenth of a delivery or more (measured in ``benchmarks/deliveries.py``). Every
process of the fleet reads its lease once a second as well (``benchmarks/fleet.py``).
"""

from typing import Any

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from .clock import unix_now, unix_started
from .text import fitting

TABLES = {"lease": "RefreshLease", "event": "WebhookEvent"}


class Statement:
    """SQL that each supported database understands.

    ``{now}`` is the database's clock, as in ``UnixNow``, and ``{started}`` that of the statement's
    beginning; ``{lease}`` and ``{event}`` are the tables; ``{for_update}`` locks the row where the
    database can; ``%(name)s`` is a value.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._by_vendor: dict[str, str] = {}

    def row(self, using: str, **values: Any) -> dict[str, Any] | None:
        """The first row of a SELECT, by the names of its columns."""
        with connections[using].cursor() as cursor:
            cursor.execute(self._sql(using), _fitting(values, connections[using]))
            found = cursor.fetchone()
            names = [column[0] for column in cursor.description]
            return None if found is None else dict(zip(names, found, strict=True))

    def run(self, using: str, **values: Any) -> int:
        """How many rows an UPDATE matched."""
        with connections[using].cursor() as cursor:
            cursor.execute(self._sql(using), _fitting(values, connections[using]))
            return int(cursor.rowcount)

    def _sql(self, using: str) -> str:
        connection = connections[using]
        sql = self._by_vendor.get(connection.vendor)
        if sql is None:
            tables = {
                name: connection.ops.quote_name(
                    apps.get_model("django_vwo_webhooks", model)._meta.db_table
                )
                for name, model in TABLES.items()
            }
            sql = self._text.format(
                now=unix_now(connection),
                started=unix_started(connection),
                for_update="FOR UPDATE" if connection.features.has_select_for_update else "",
                **tables,
            )
            self._by_vendor[connection.vendor] = sql
        return sql


def _fitting(values: dict[str, Any], connection: BaseDatabaseWrapper) -> dict[str, Any]:
    return {
        name: fitting(value, connection) if isinstance(value, str) else value
        for name, value in values.items()
    }


def datetime_value(using: str, value: Any) -> Any:
    """A datetime as a value of a statement."""
    return connections[using].ops.adapt_datetimefield_value(value)
