"""The clock of each database that is supported."""

from typing import Any

from django.db import models

UNIX_NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "EXTRACT(EPOCH FROM clock_timestamp())::double precision",
    # CURRENT_TIMESTAMP would be local time
    "mysql": "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6)",
}


class UnixNow(models.Func):
    """The database server's clock: seconds since 1970 in UTC, whatever the session's time zone.

    Everybody who takes or judges a lease asks this one clock, so the clocks of the web servers
    may differ.
    """

    output_field = models.FloatField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        return UNIX_NOW[connection.vendor], []
