import contextlib
import os
import selectors
import socket
import threading
from typing import Any

import psycopg
import psycopg.sql
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from ..models.base import database
from .base import Broadcast

TIMEOUTS: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""In seconds, and in probes: a server whose machine is gone is noticed after some 11 s."""


class PostgresBroadcast(Broadcast):
    """Publishes with PostgreSQL's NOTIFY: every process has a change within milliseconds.

    The models must live in PostgreSQL. Each process listens on a psycopg 3 connection of its own.
    Needs the extra ``postgres``.

    LISTEN does not work through a pooler in transaction mode. Behind one, give ``dsn``, a libpq
    connection string that leads straight to the server.
    """

    pushes = True

    def __init__(
        self, *, dsn: str | None = None, poll_seconds: float = 1.0, thread: bool = True
    ) -> None:
        super().__init__(poll_seconds=poll_seconds, thread=thread)
        if connections[database()].vendor != "postgresql":
            raise ImproperlyConfigured(
                "PostgresBroadcast needs the models' database to be PostgreSQL, and "
                f'"{database()}" is not.'
            )
        self._dsn = dsn
        self._connection: psycopg.Connection[Any] | None = None
        self._closed = False
        self._listening = threading.Lock()

    def publish(self, channel: str) -> None:
        with connections[database()].cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [channel])

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        with self._listening:
            if self._closed:
                return False
            try:
                if self._connection is None:
                    self._subscribe(channel)
                    return True  # something may have been published before
                return _wait(self._connection, timeout_seconds)
            except Exception:
                if self._closed:
                    return False
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                raise

    def close(self) -> None:
        self._closed = True
        if self._connection is not None:
            with contextlib.suppress(OSError, psycopg.Error):
                _end_wait(self._connection)
            with self._listening:
                self._connection.close()

    def _subscribe(self, channel: str) -> None:
        self._connection = self._connect()
        self._connection.execute(
            psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
        )

    def _connect(self) -> psycopg.Connection[Any]:
        if self._dsn is not None:
            return psycopg.connect(self._dsn, autocommit=True, **TIMEOUTS)
        parameters = connections[database()].get_connection_params()
        # of the site's own driver, which may be psycopg2
        parameters.pop("cursor_factory", None)
        return psycopg.connect(**{**TIMEOUTS, **parameters, "autocommit": True})


def _wait(connection: psycopg.Connection[Any], timeout_seconds: float) -> bool:
    if _notified(connection):
        return True
    # psycopg's own wait wakes up ten times a second
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.select(timeout_seconds)
    return _notified(connection)


def _end_wait(connection: psycopg.Connection[Any]) -> None:
    """Have a thread that waits for the connection find it shut down."""
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)


def _notified(connection: psycopg.Connection[Any]) -> bool:
    """Whether there were notifications; takes all that have arrived."""
    return bool(list(connection.notifies(timeout=0)))
