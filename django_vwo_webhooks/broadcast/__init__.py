"""This process's broadcast, by which the processes of the fleet notify each other.

Each backend is imported from its own module, so that only its own library has to be installed.
"""

import hashlib
import threading
from typing import Any

from django.utils.module_loading import import_string

from ..conf import app_settings
from ..connections import close_connections
from ..log_once import LogOnce
from ..process import PerProcess
from .base import Broadcast

__all__ = ["Broadcast", "channel", "forget_broadcast", "get_broadcast", "publish"]

PUBLISH_LIMIT_SECONDS = 0.5
"""How long to try; processes that are not reached find new settings at their next check."""


def _publish_log() -> LogOnce:
    return LogOnce(
        "publishing to the other processes",
        "they find new settings at their next check of the database",
    )


class _Current:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made_from: tuple[str, dict[str, Any]] | None = None
        self.broadcast: Broadcast | None = None
        self.publish_log = _publish_log()


_current = PerProcess(_Current)


def get_broadcast() -> Broadcast:
    """This process's broadcast, made anew when ``VWO_WEBHOOKS["BROADCAST"]`` has changed."""
    current, wanted = _current(), app_settings.broadcast
    with current.lock:
        if current.broadcast is None or current.made_from != wanted:
            backend, options = wanted
            current.broadcast = import_string(backend)(**options)
            current.made_from = wanted
            current.publish_log = _publish_log()
        return current.broadcast


def forget_broadcast() -> None:
    """Make a new one on the next use, because this one has been closed."""
    _current.forget()


def publish() -> None:
    """Notify the other processes, in half a second at most; a failure is only logged."""
    errors: list[Exception] = []

    def attempt() -> None:
        try:
            get_broadcast().publish(channel())
        except Exception as error:
            errors.append(error)
        finally:
            close_connections()

    try:
        # on a thread, since a backend may hang
        thread = threading.Thread(target=attempt, name="vwo-publish", daemon=True)
        thread.start()
        thread.join(PUBLISH_LIMIT_SECONDS)
        if thread.is_alive():
            errors.append(TimeoutError(f"no answer within {PUBLISH_LIMIT_SECONDS} s"))
    except RuntimeError as error:
        errors.append(error)
    if errors:
        _current().publish_log.failed(errors[0])
    else:
        _current().publish_log.succeeded()


def channel() -> str:
    """The name that this environment and SDK key publish under: ASCII, 45 characters."""
    text = f"{app_settings.environment}\0{app_settings.key_digest}"
    return f"vwo_webhooks_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
