"""Transactions that are run again when the database asks for it."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.apps import apps
from django.core.management.color import no_style
from django.db import Error, IntegrityError, OperationalError, connections, transaction

from ..connections import error_code, reconnected
from .base import database

T = TypeVar("T")

logger = logging.getLogger("django_vwo_webhooks")

FIRST_RETRY_SECONDS = 0.005
LAST_RETRY_SECONDS = 0.1
"""Between these two grows the longest pause before a transaction is run again."""

CONFLICTS = {
    "40001",  # PostgreSQL: serialization failure
    "40P01",  # PostgreSQL: deadlock
    1213,  # MySQL: deadlock
    1020,  # MariaDB: the row has changed since the transaction's snapshot
}
DUPLICATES = {
    "23505",  # PostgreSQL
    1062,  # MySQL
    1557,  # MySQL, a foreign key's
}


def atomically(function: Callable[[], T], *, until: float) -> T:
    """What ``function`` returns, run in a transaction that is committed when this returns.

    It is run again after a conflict with another transaction, until ``until`` on the monotonic
    clock, and on a new connection if this one was ended while it idled.
    """
    connection = connections[database()]
    begun = False
    # within the transaction of a TestCase it would come too late
    sets_isolation = connection.vendor == "postgresql" and not connection.in_atomic_block

    def run() -> T:
        nonlocal begun
        begun = False
        with transaction.atomic(using=connection.alias, durable=True):
            if sets_isolation:
                # Whoever waited for the lease must see what its last holder committed. At the
                # higher levels PostgreSQL refuses that instead, and many at once would starve.
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            begun = True
            return function()

    return retried(
        lambda: reconnected(connection.alias, run, may_run_again=lambda: not begun), until=until
    )


def retried(function: Callable[[], T], *, until: float) -> T:
    """What ``function`` returns, run again after a conflict until ``until``.

    A number that exists already counts as a conflict, since sequences can be behind.
    """
    longest = FIRST_RETRY_SECONDS
    while True:
        try:
            return function()
        except (OperationalError, IntegrityError) as error:
            if not _is_conflict(error) or time.monotonic() > until:
                raise
            if "_pkey" in str(error):
                _advance_sequences()
        time.sleep(random.uniform(0, longest))  # noqa: S311 - spreads load, guards nothing
        longest = min(2 * longest, LAST_RETRY_SECONDS)


def _is_conflict(error: Error) -> bool:
    code = error_code(error)
    if isinstance(error, IntegrityError):
        return code in DUPLICATES or "UNIQUE constraint failed" in str(error)
    return code in CONFLICTS


def _advance_sequences() -> None:
    """Let PostgreSQL's sequences go on after the greatest key.

    They are behind it after a restore of data alone, and would hand out numbers that exist.
    """
    logger.warning("A sequence is behind its table, as after a restore of data; it is advanced.")
    connection = connections[database()]
    models = apps.get_app_config("django_vwo_webhooks").get_models()
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(sql)
