"""What this site knows of flags: those in the settings in force, and those its code asks for."""

from datetime import datetime
from typing import Any

from .flags import flag_json, flag_keys, read_flags
from .models import Flag, SettingsSnapshot
from .models.flag import UNUSED_AFTER

MOST_ROWS = 5000
"""How many of the flags that were asked for are read, those asked for most recently."""


def known_flags() -> list[Flag]:
    """All flags that are in the settings in force or were asked for, in two statements."""
    rows = Flag.objects.ours().order_by("-last_asked_at")[:MOST_ROWS]
    flags = {flag.pk: flag for flag in rows}
    for settings in read_flags(_document()):
        named = Flag.named(settings.key)
        flags.setdefault(named.pk, named).settings = settings
    return sorted(flags.values(), key=lambda flag: flag.key)


def known_flag(key: str) -> Flag | None:
    wanted = Flag.named(key).pk
    return next((flag for flag in known_flags() if flag.pk == wanted), None)


def flags_not_at_vwo(now: datetime) -> list[str]:
    """The keys that were asked for recently and are not in the settings in force.

    Empty before there are any settings; ``now`` is by the database's clock.
    """
    rows = Flag.objects.ours().asked_since(now - UNUSED_AFTER).order_by("-last_asked_at")
    asked = {flag.pk: flag.key for flag in rows[:MOST_ROWS]}
    if not asked:
        return []
    document = _document()
    at_vwo = {Flag.named(key).pk for key in flag_keys(document)}
    return sorted(key for pk, key in asked.items() if document and pk not in at_vwo)


def known_flag_json(flag: Flag, now: datetime) -> dict[str, Any]:
    """``now`` is by the database's clock."""
    settings = flag.settings
    return {
        **({"key": flag.key} if settings is None else flag_json(settings)),
        "at_vwo": settings is not None,
        "asked_for": flag.is_asked_for(now),
        "first_asked_at": flag.first_asked_at and flag.first_asked_at.isoformat(),
        "last_asked_at": flag.last_asked_at and flag.last_asked_at.isoformat(),
    }


def _document() -> dict[str, Any]:
    snapshot = SettingsSnapshot.objects.only("settings").in_force()
    return {} if snapshot is None else snapshot.settings
