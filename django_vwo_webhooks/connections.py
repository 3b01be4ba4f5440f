"""The database connections of a thread."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import Error, InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")

RUN_MIGRATE = (
    "The database lacks tables or columns that this version of the site needs. "
    "Run: manage.py migrate"
)

LACKS_TABLE = {
    "42P01",  # PostgreSQL: undefined table
    "42703",  # PostgreSQL: undefined column
    1146,  # MySQL: no such table
    1054,  # MySQL: unknown column
}


def error_code(error: Exception) -> Any:
    """The code that the database gave, a text or a number; SQLite gives a message instead."""
    cause = error.__cause__
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return code or (error.args[0] if error.args else None)


def lacks_table(error: Exception) -> bool:
    """Whether a statement failed since the database was not migrated, or only in part."""
    code = error_code(error)
    texts = ("no such table", "no such column", "has no column named")
    of_sqlite = isinstance(code, str) and any(text in code for text in texts)
    return isinstance(error, Error) and (code in LACKS_TABLE or of_sqlite)


def reconnected(
    using: str, function: Callable[[], T], *, may_run_again: Callable[[], bool] = lambda: True
) -> T:
    """What ``function`` returns; run again if the connection turns out to have been ended.

    Servers, poolers and NATs end connections that idle, and only the next statement shows it. To
    ask before each statement whether the connection still works would cost another one. So
    ``function`` should begin with a statement that does no harm twice; once it has done more,
    ``may_run_again`` should return False.
    """
    connection = connections[using]
    before = None if connection.in_atomic_block else connection.connection
    try:
        return function()
    except (InterfaceError, OperationalError):
        if before is None or not may_run_again():
            raise
        # a transaction that can't be rolled back has Django connect anew by itself
        if connection.connection is before:
            if connection.is_usable():
                raise
            connection.close()
        return function()


def inside_transaction(alias: str) -> bool:
    """Whether ``atomic(durable=True)`` would be refused; the transaction of a TestCase is none."""
    connection = connections[alias]
    if connection.connection is None:
        # asking for its mode would open it, which fails where the database can't be used
        return not connection.settings_dict["AUTOCOMMIT"]
    if not connection.in_atomic_block:
        return not connection.get_autocommit()
    try:
        with transaction.atomic(using=alias, durable=True):
            return False
    except RuntimeError:
        return True


def inside_testcase(alias: str) -> bool:
    """Whether this thread is inside the transaction of a TestCase, which no other thread sees."""
    blocks = connections[alias].atomic_blocks
    # by this mark Django itself allows durable blocks there
    return bool(blocks) and getattr(blocks[0], "_from_testcase", False)


def use_unpooled_connection(alias: str) -> BaseDatabaseWrapper:
    """Give this thread a connection that is not from a pool.

    A forked child would inherit the pool, and with it sockets that its parent uses.
    """
    own = connections[alias].copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    connections[alias] = own
    return own


def close_connections() -> None:
    """Close those of this thread, which ends.

    Django leaves SQLite's databases in memory open, of which each thread has a connection of its
    own; from Python 3.13 on, one that is freed while it is open causes a warning.
    """
    for connection in connections.all(initialized_only=True):
        connection.close()
        if connection.connection is not None:
            connection.connection.close()


def close_unusable_connections(*, but: BaseDatabaseWrapper) -> None:
    """Close those of this thread that are broken or too old, except for ``but``."""
    for connection in connections.all(initialized_only=True):
        if connection is not but:
            connection.close_if_unusable_or_obsolete()
