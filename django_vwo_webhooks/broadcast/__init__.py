"""The bells. Import a backend from its own module, so that only its library has to be there."""

import hashlib
import threading
from typing import Any

from django.utils.module_loading import import_string

from ..conf import app_settings
from ..process import PerProcess
from .base import Broadcast

__all__ = ["Broadcast", "channel", "forget_broadcast", "get_broadcast"]


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


def channel() -> str:
    """The name that this environment and SDK key ring under: ASCII, 45 characters."""
    text = f"{app_settings.environment}\0{app_settings.key_digest}"
    return f"vwo_webhooks_{hashlib.sha256(text.encode()).hexdigest()[:32]}"
