import contextlib
import logging
import os
import selectors
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg.sql
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from ..connections import reconnected
from ..models.base import database
from .base import Broadcast

if TYPE_CHECKING:
    from typing_extensions import LiteralString

TIMEOUTS: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""In seconds, and in probes: a server whose machine is gone is noticed after some 11 s."""


SHORTEST_LIFE_SECONDS = 0.25
"""A connection that ends sooner was not ended for being idle; a new one would end as soon."""

OWN_NOTIFICATION_SECONDS = 2.0
"""How long to wait at the start for what this process has published itself."""

NOT_DELIVERED = (
    "PostgreSQL's notifications do not reach this process: one that it published itself did not "
    "come back, as behind a pooler in transaction mode. The database is polled every %s s instead, "
    "for as long as this process runs. Add a libpq connection string that leads straight to the "
    'server to the "OPTIONS" in VWO_WEBHOOKS["BROADCAST"]: '
    '{"dsn": "host=db.example.com port=5432 dbname=site user=site password=…"}'
)

logger = logging.getLogger("django_vwo_webhooks")


class PostgresBroadcast(Broadcast):
    """Publishes with PostgreSQL's NOTIFY: every process has a change within milliseconds.

    The models must live in PostgreSQL. Each process listens on a psycopg 3 connection of its own.
    Needs the extra ``postgres``.

    LISTEN does not work through a pooler in transaction mode. Behind one, give ``dsn``, a libpq
    connection string that leads straight to the server. Without it a process notices at its start
    that it is not notified: it logs what to write, and polls.
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
        self._connected_at = 0.0
        self._delivers = False
        self._closed = threading.Event()
        self._listening = threading.Lock()

    def publish(self, channel: str) -> None:
        using = database()

        def notify() -> None:
            with connections[using].cursor() as cursor:
                cursor.execute("SELECT pg_notify(%s, '')", [channel])

        reconnected(using, notify)

    def listen(self, channel: str, timeout_seconds: float) -> bool:
        with self._listening:
            if self._closed.is_set():
                return False
            if not self.pushes:
                self._closed.wait(timeout_seconds)
                return False
            try:
                if self._connection is None:
                    self._subscribe(channel)
                    return True  # something may have been published before
                return self._wait_or_renew(self._connection, channel, timeout_seconds)
            except Exception:
                if self._closed.is_set():
                    return False
                self._disconnect()
                raise

    def close(self) -> None:
        self._closed.set()
        if self._connection is not None:
            with contextlib.suppress(OSError, psycopg.Error):
                _end_wait(self._connection)
            with self._listening:
                self._disconnect()

    def _subscribe(self, channel: str) -> None:
        self._connection = self._connect()
        self._connected_at = time.monotonic()
        self._delivers = self._delivers or self._own_notification_returns(self._connection)
        if self._delivers:
            _execute(self._connection, "LISTEN {}", channel)
            return
        self.pushes = False
        self._disconnect()
        logger.warning(NOT_DELIVERED, self.poll_seconds)

    def _own_notification_returns(self, connection: psycopg.Connection[Any]) -> bool:
        """Whether what is published as all processes publish arrives here."""
        own = f"vwo_webhooks_{uuid.uuid4().hex}"
        _execute(connection, "LISTEN {}", own)
        # on Django's connection: a pooler may return what this one sends to itself
        self.publish(own)
        returned = _wait(connection, OWN_NOTIFICATION_SECONDS)
        _execute(connection, "UNLISTEN {}", own)
        return returned

    def _wait_or_renew(
        self, connection: psycopg.Connection[Any], channel: str, timeout_seconds: float
    ) -> bool:
        """Wait; on a new connection after the old one was ended, as those are that idle."""
        try:
            return _wait(connection, timeout_seconds)
        except psycopg.OperationalError:
            lived_seconds = time.monotonic() - self._connected_at
            if self._closed.is_set() or lived_seconds < SHORTEST_LIFE_SECONDS:
                raise
        self._disconnect()
        self._subscribe(channel)
        return True  # something may have been published meanwhile

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        if self._dsn is not None:
            return psycopg.connect(self._dsn, autocommit=True, **TIMEOUTS)
        parameters = connections[database()].get_connection_params()
        # of the site's own driver, which may be psycopg2
        parameters.pop("cursor_factory", None)
        return psycopg.connect(**{**TIMEOUTS, **parameters, "autocommit": True})


def _execute(connection: psycopg.Connection[Any], statement: "LiteralString", name: str) -> None:
    connection.execute(psycopg.sql.SQL(statement).format(psycopg.sql.Identifier(name)))


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
