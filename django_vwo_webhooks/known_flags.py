"""What this site knows of flags: those in the settings in force, and those its code asks for."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max

from .flags import flag_json, flag_keys, read_flags
from .models import Flag, KillSwitch, SettingsSnapshot, WebhookEvent
from .models.flag import UNUSED_AFTER
from .models.snapshot import ChangedFeature

MOST_ROWS = 5000
"""How many of the flags that were asked for are read, those asked for most recently."""


def known_flags() -> list[Flag]:
    """All flags that are in the settings in force or were asked for, in two statements."""
    rows = Flag.objects.ours().order_by("-last_asked_at")[:MOST_ROWS]
    flags = {flag.pk: flag for flag in rows}
    document = _document()
    for settings in read_flags(document):
        named = Flag.named(settings.key)
        flags.setdefault(named.pk, named).settings = settings
    for flag in flags.values():
        flag.at_vwo = flag.settings is not None if document else None
    return sorted(flags.values(), key=lambda flag: flag.key)


def known_flag(key: str) -> Flag | None:
    wanted = Flag.named(key).pk
    return next((flag for flag in known_flags() if flag.pk == wanted), None)


def read_more(flags: Sequence[Flag], *, events: bool = True) -> None:
    """Set what has switched these flags off and what changed them last, in four statements.

    Without ``events`` the event that led to the change is left out.
    """
    switches: dict[str, list[KillSwitch]] = defaultdict(list)
    for switch in KillSwitch.objects.in_use():
        switches[Flag.named(switch.flag).pk].append(switch)
    snapshots = _last_changes(flags)
    found = events_of(list(snapshots.values())) if events else {}
    for flag in flags:
        flag.switches = switches.get(flag.pk, ())
        flag.last_snapshot = snapshot = snapshots.get(flag.pk)
        flag.last_event = found.get(snapshot.pk) if snapshot else None


def _last_changes(flags: Sequence[Flag]) -> dict[str, SettingsSnapshot]:
    """The newest snapshot that changed each flag, by the flag's id, in two statements."""
    keys = {ChangedFeature.key(flag.settings.key if flag.settings else flag.key) for flag in flags}
    ours = SettingsSnapshot.objects.ours().only("pk", "created_at")
    changed: Any = ChangedFeature.objects.filter(feature__in=keys, snapshot__in=ours.values("pk"))
    newest = changed.values("feature").annotate(newest=Max("snapshot")).order_by()
    found = {row["feature"]: row["newest"] for row in newest}
    snapshots = ours.in_bulk(set(found.values()))
    return {
        Flag.named(key).pk: snapshots[number]
        for key, number in found.items()
        if number in snapshots
    }


def events_of(snapshots: list[SettingsSnapshot]) -> dict[int, WebhookEvent]:
    """The event that led to each snapshot, by the snapshot's number, in one statement."""
    events = WebhookEvent.objects.filter(
        snapshot__in=[one.pk for one in snapshots], outcome=WebhookEvent.Outcome.CHANGED
    ).only("pk", "snapshot", "action", "event")
    return {event.snapshot_id: event for event in events.order_by("-pk") if event.snapshot_id}


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
    """Return a flag that ``read_more`` has read; ``now`` is by the database's clock."""
    settings, switch, snapshot = flag.settings, flag.switch, flag.last_snapshot
    return {
        **({"key": flag.key} if settings is None else flag_json(settings)),
        "at_vwo": flag.at_vwo,
        "switched_off": switch
        and {
            "until": switch.until and switch.until.isoformat(),
            "used_by": switch.used_by,
            "reason": switch.reason,
        },
        "last_changed": snapshot
        and {
            "at": snapshot.created_at.isoformat(),
            "snapshot": snapshot.pk,
            "event": flag.last_event and flag.last_event.pk,
        },
        "asked_for": flag.is_asked_for(now),
        "first_asked_at": flag.first_asked_at and flag.first_asked_at.isoformat(),
        "last_asked_at": flag.last_asked_at and flag.last_asked_at.isoformat(),
    }


def _document() -> dict[str, Any]:
    snapshot = SettingsSnapshot.objects.only("settings").in_force()
    return {} if snapshot is None else snapshot.settings
