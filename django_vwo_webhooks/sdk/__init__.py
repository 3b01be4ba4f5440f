"""The VWO SDK: the only package here that imports ``vwo`` or ``wingify``.

It holds this process's client, and fetches, validates, builds and applies settings.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..models import SettingsSnapshot
    from .client import Client
    from .document import Fetched, ValidatedSettings

__all__ = ["SDK", "load_sdk"]


class SDK(Protocol):
    """What the rest of the package may call: the functions of ``lifecycle``."""

    def client(self) -> "Client": ...

    def fetch(self, timeout_seconds: float) -> "Fetched": ...

    def validate(self, document: dict[str, Any]) -> "ValidatedSettings": ...

    def build(self, settings: "ValidatedSettings") -> "Client": ...

    def apply_in_force(self, built: "Client | None" = None) -> "SettingsSnapshot | None": ...

    def impressions(self) -> tuple[int, dict[str, int]]: ...


@cache
def load_sdk() -> SDK:
    """The module ``lifecycle``, which is imported when it is needed for the first time."""
    # the only import inside a function: the SDK costs each manage.py command 0.3 s and 26 MB
    from . import lifecycle

    return lifecycle
