"""How the statements of the hot path are written out.

The ORM builds each of them anew, which takes 1 to 3 ms of Python against the 0.1 ms that the
database needs. A delivery alone has five, and each process of the fleet looks once a second
(measured in ``benchmarks/deliveries.py`` and ``benchmarks/fleet.py``).
"""

from typing import Any

from django.apps import apps
from django.db import connections

from .base import UNIX_NOW

TABLES = {"lease": "RefreshLease", "snapshot": "SettingsSnapshot", "event": "WebhookEvent"}


class Statement:
    """SQL that each supported database understands.

    ``{now}`` is the database's clock, as in ``UnixNow``; ``{lease}``, ``{snapshot}`` and
    ``{event}`` are the tables; ``%(name)s`` is a value, or the values of a list.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._by_vendor: dict[str, str] = {}

    def row(self, using: str, **values: Any) -> tuple[Any, ...] | None:
        """The first row of what a SELECT finds."""
        with connections[using].cursor() as cursor:
            cursor.execute(self._sql(connections[using]), values)
            found: tuple[Any, ...] | None = cursor.fetchone()
            return found

    def run(self, using: str, **values: Any) -> int:
        """How many rows an UPDATE found."""
        with connections[using].cursor() as cursor:
            cursor.execute(*_spread(self._sql(connections[using]), values))
            return int(cursor.rowcount)

    def _sql(self, connection: Any) -> str:
        sql = self._by_vendor.get(connection.vendor)
        if sql is None:
            tables = {
                name: connection.ops.quote_name(
                    apps.get_model("django_vwo_webhooks", model)._meta.db_table
                )
                for name, model in TABLES.items()
            }
            sql = self._text.format(now=UNIX_NOW[connection.vendor], **tables)
            self._by_vendor[connection.vendor] = sql
        return sql


def _spread(sql: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A place for each item of a list."""
    spread: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list):
            items = {f"{name}_{place}": item for place, item in enumerate(value)}
            sql = sql.replace(f"%({name})s", ", ".join(f"%({item})s" for item in items))
            spread |= items
        else:
            spread[name] = value
    return sql, spread


def moment(using: str, value: Any) -> Any:
    """A datetime as a value of a statement."""
    return connections[using].ops.adapt_datetimefield_value(value)
