"""The bells. Import a backend from its own module, so that only its library has to be there."""

import hashlib
import logging
import threading
from typing import Any

from django.db import connections
from django.utils.module_loading import import_string

from ..conf import app_settings
from ..process import PerProcess
from .base import Broadcast

__all__ = ["Broadcast", "channel", "forget_broadcast", "get_broadcast", "ring"]

logger = logging.getLogger("django_vwo_webhooks")

RING_SECONDS = 0.5
"""How long to try; who was not reached finds the new settings when it next looks."""


class _Made:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.by_settings: tuple[tuple[str, dict[str, Any]], Broadcast] | None = None


_made = PerProcess(_Made)


def get_broadcast() -> Broadcast:
    """This process's broadcast backend, made anew when ``VWO_WEBHOOKS["BROADCAST"]`` changed."""
    made, wanted = _made(), app_settings.broadcast
    with made.lock:
        if made.by_settings is None or made.by_settings[0] != wanted:
            backend, options = wanted
            made.by_settings = (wanted, import_string(backend)(**options))
        return made.by_settings[1]


def forget_broadcast() -> None:
    """Let the next use make a new one; whoever closed it calls this."""
    _made.forget()


def ring() -> None:
    """Tell the other processes to look, for half a second at most; a failure is only logged."""
    failures: list[str] = []

    def publish() -> None:
        try:
            get_broadcast().publish(channel())
        except Exception as error:
            failures.append(type(error).__name__)
        finally:
            connections.close_all()

    ringing = threading.Thread(target=publish, name="vwo-bell", daemon=True)
    ringing.start()
    ringing.join(RING_SECONDS)
    if ringing.is_alive():
        failures.append(f"no answer within {RING_SECONDS} s")
    if failures:
        logger.warning(
            "The bell did not ring (%s); the other processes find the new settings when they "
            "next look.",
            failures[0],
        )


def channel() -> str:
    """The name that this environment and SDK key ring under: ASCII, 45 characters."""
    text = f"{app_settings.environment}\0{app_settings.key_digest}"
    return f"vwo_webhooks_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
