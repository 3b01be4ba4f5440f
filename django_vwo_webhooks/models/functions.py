from typing import Any

from django.db import models


class UnixNow(models.Func):
    """The database server's clock: seconds since 1970 in UTC, whatever the session's time zone.

    Everybody who takes or judges a lease asks this one clock, so the clocks of the web servers
    may differ. ``CURRENT_TIMESTAMP`` would be local time on MySQL.
    """

    output_field = models.FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return "((julianday('now') - 2440587.5) * 86400.0)", []

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return "EXTRACT(EPOCH FROM clock_timestamp())::double precision", []

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6)", []
