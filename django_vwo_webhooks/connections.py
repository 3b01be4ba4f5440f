"""The database connections of threads: whose they are, and what is open on them."""

import sys
import threading
from typing import Any

from asgiref.local import Local
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


def mend_connections() -> None:
    """Give each greenlet database connections of its own.

    ``gunicorn -k gevent --preload`` imports the site in the master and patches in the workers.
    Django's ``connections`` then sits in a local of native threads, which all greenlets of a
    worker share, and Django refuses a connection that another greenlet made. Does nothing where
    gevent is absent or was there first.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return
    handler: Any = connections
    if not isinstance(handler._connections._storage, threading.local):
        handler._connections = Local(handler.thread_critical)


def inside_transaction(alias: str) -> bool:
    """Whether one is open as ``atomic(durable=True)`` has it, which spares that of a TestCase."""
    connection = connections[alias]
    if not connection.in_atomic_block:
        return not connection.get_autocommit()
    try:
        with transaction.atomic(using=alias, durable=True):
            return False
    except RuntimeError:
        return True


def connect_alone(alias: str) -> BaseDatabaseWrapper:
    """Let this thread have a connection of its own, from no pool.

    A forked child would inherit the pool, and with it sockets that its parent uses.
    """
    own = connections[alias].copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    connections[alias] = own
    return own


def tidy_up(own: BaseDatabaseWrapper, *, close: bool) -> None:
    """Close what this thread left unusable or too old, as at a request's end; ``own`` if asked."""
    for connection in connections.all(initialized_only=True):
        if connection is not own:
            connection.close_if_unusable_or_obsolete()
        elif close:
            connection.close()
