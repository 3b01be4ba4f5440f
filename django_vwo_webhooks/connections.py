"""The database connections of a thread."""

import sys
import threading
from typing import Any

from asgiref.local import Local
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


def mend_connections() -> None:
    """Give each greenlet database connections of its own.

    ``gunicorn -k gevent --preload`` imports the site in the master and patches in the workers.
    Django's ``connections`` then keeps them in a ``threading.local`` of native threads, which all
    greenlets of a worker share, and Django refuses a connection that another greenlet made. There
    is no public way to give it another local. Does nothing where gevent is absent or was imported
    first.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return
    handler: Any = connections
    if not isinstance(handler._connections._storage, threading.local):
        handler._connections = Local(handler.thread_critical)


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


def use_unpooled_connection(alias: str) -> BaseDatabaseWrapper:
    """Give this thread a connection that is not from a pool.

    A forked child would inherit the pool, and with it sockets that its parent uses.
    """
    own = connections[alias].copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    connections[alias] = own
    return own


def close_unusable_connections(*, but: BaseDatabaseWrapper) -> None:
    """Close those of this thread that are broken or too old, except for ``but``."""
    for connection in connections.all(initialized_only=True):
        if connection is not but:
            connection.close_if_unusable_or_obsolete()
