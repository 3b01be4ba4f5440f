import threading
from typing import Any

import psycopg
import psycopg.sql
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from ..models.base import database
from .base import Broadcast

SLICE_SECONDS = 0.5
"""How long ``listen`` sleeps at a stretch, and so how soon ``close`` ends it."""


class PostgresBroadcast(Broadcast):
    """Rings by PostgreSQL's NOTIFY: a change is everywhere within milliseconds.

    The models must live in PostgreSQL. Each process listens on a psycopg 3 connection of its own.
    Needs the extra ``postgres``.

    LISTEN does not work through a pooler in transaction mode; give ``dsn``, a libpq connection
    string that leads straight to the server, where one stands between.
    """

    pushes = True

    def __init__(
        self, *, dsn: str | None = None, poll_seconds: float = 1.0, thread: bool = True
    ) -> None:
        super().__init__(poll_seconds=poll_seconds, thread=thread)
        if connections[database()].vendor != "postgresql":
            raise ImproperlyConfigured(
                f'PostgresBroadcast rings in the models\' database, and "{database()}" is none of '
                "PostgreSQL."
            )
        self._dsn = dsn
        self._connection: psycopg.Connection[Any] | None = None
        self._closed = threading.Event()

    def publish(self, channel: str) -> None:
        with connections[database()].cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [channel])

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        if self._closed.is_set():
            return False
        if self._connection is None:
            self._connection = self._connect()
            self._connection.execute(psycopg.sql.SQL("LISTEN {}").format(_name(channel)))
            return True  # whatever rang before was not heard
        try:
            return self._hear(self._connection, timeout_seconds)
        except Exception:
            if self._closed.is_set():
                return False
            self._connection.close()
            self._connection = None
            raise

    def _hear(self, connection: psycopg.Connection[Any], timeout_seconds: float) -> bool:
        slices = max(1, round(timeout_seconds / SLICE_SECONDS))
        for _ in range(slices):
            if self._closed.is_set():
                return False
            for _notice in connection.notifies(
                timeout=min(SLICE_SECONDS, timeout_seconds), stop_after=1
            ):
                return True
        return False

    def _connect(self) -> psycopg.Connection[Any]:
        if self._dsn is not None:
            return psycopg.connect(self._dsn, autocommit=True, **PATIENCE)
        wanted = connections[database()].get_connection_params()
        # of the site's own driver, which may be psycopg2
        wanted.pop("cursor_factory", None)
        return psycopg.connect(**{**PATIENCE, **wanted, "autocommit": True})

    def close(self) -> None:
        self._closed.set()
        if self._connection is not None:
            self._connection.close()


PATIENCE: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""In seconds, and in probes: a server whose machine is gone is noticed after some 11 s."""


def _name(channel: str) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(channel)
