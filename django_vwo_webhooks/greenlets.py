"""What gevent needs when it patches ``threading`` after Django was imported."""

import sys
import threading
from typing import Any

from asgiref.local import Local
from django.db import connections


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
