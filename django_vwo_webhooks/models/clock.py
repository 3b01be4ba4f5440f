"""The clock of each database that is supported.

Whatever is compared between processes is of this one clock, since those of the machines differ.
"""

import time
from datetime import datetime, timezone
from typing import Any, NamedTuple

from django.conf import settings
from django.db import NotSupportedError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

UNIX_NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "EXTRACT(EPOCH FROM clock_timestamp())::double precision",
    # CURRENT_TIMESTAMP would be local time
    "mysql": "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6)",
}

UNIX_STARTED = {
    **UNIX_NOW,
    # a statement that waits for a lock ends later than it began
    "postgresql": "EXTRACT(EPOCH FROM statement_timestamp())::double precision",
}
"""When the statement began, which MySQL's clock returns as it is."""


def unix_now(connection: BaseDatabaseWrapper) -> str:
    """The SQL for ``UnixNow``. Raises ``NotSupportedError`` for any other database."""
    return _of(UNIX_NOW, connection)


def unix_started(connection: BaseDatabaseWrapper) -> str:
    """The SQL for when the statement began. Raises ``NotSupportedError`` likewise."""
    return _of(UNIX_STARTED, connection)


def _of(clocks: dict[str, str], connection: BaseDatabaseWrapper) -> str:
    try:
        return clocks[connection.vendor]
    except KeyError:
        raise NotSupportedError(
            f"django_vwo_webhooks does not support {connection.display_name}; it supports "
            "SQLite, PostgreSQL, MariaDB and MySQL."
        ) from None


def time_text(at: datetime) -> str:
    """A time for logs and commands, to the second; with its zone unless the site has none."""
    return f"{at:%Y-%m-%d %H:%M:%S %Z}".rstrip()


class UnixNow(models.Func):
    """The database server's clock: seconds since 1970 in UTC, whatever the session's time zone.

    Everybody who takes or judges a lease asks this one clock, so the clocks of the web servers
    may differ.
    """

    output_field = models.FloatField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        return unix_now(connection), []


class DatabaseClock(NamedTuple):
    """The database's clock as a statement has read it; the monotonic clock goes on from there."""

    unix_seconds: float
    """What the database's clock said, in seconds since 1970."""
    monotonic_seconds: float
    """What ``time.monotonic()`` was at that moment."""

    @classmethod
    def read(cls, using: str) -> "DatabaseClock":
        """Read it, by a statement of its own."""
        with connections[using].cursor() as cursor:
            began_at = time.monotonic()
            cursor.execute(f"SELECT {unix_started(cursor.db)}")
            return cls(float(cursor.fetchone()[0]), began_at)

    def now(self) -> datetime:
        return self.at(time.monotonic())

    def at(self, monotonic_seconds: float) -> datetime:
        """The time by the database's clock when ``time.monotonic()`` was this.

        As ``django.utils.timezone.now()`` returns it: naive in a site without time zones.
        """
        unix_seconds = self.unix_seconds + monotonic_seconds - self.monotonic_seconds
        return datetime.fromtimestamp(unix_seconds, timezone.utc if settings.USE_TZ else None)
