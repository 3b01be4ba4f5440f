"""What VWO sends, as the values of an event's fields; the state of the fleet, as JSON."""

import json
from datetime import datetime, timezone
from typing import Any

from django.conf import settings
from rest_framework import serializers

from .models import FleetProcess, KillSwitch, WebhookEvent
from .status import FleetStatus

MAX_SECONDS = datetime(9999, 1, 1, tzinfo=timezone.utc).timestamp()
"""Before the last year of a ``datetime``, so that it can be shown in any time zone."""

MIN_MILLISECONDS = 1e11
"""Timestamps from here on are in milliseconds; as seconds they would be past the year 5138."""


class TextField(serializers.Field[str, Any, str, Any]):
    """Any JSON value: text as it is, anything else as JSON."""

    def to_internal_value(self, data: Any) -> str:
        return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)


class UnixTimestampField(serializers.Field["datetime | None", Any, str, Any]):
    """A Unix timestamp in seconds or milliseconds, as a number or a string of digits.

    None for any other value: it is only shown, and VWO would retry a refused delivery for an hour.
    """

    def to_internal_value(self, data: Any) -> datetime | None:
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) <= 15:
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            return None
        seconds = data / 1000 if MIN_MILLISECONDS <= data < MAX_SECONDS * 1000 else data
        return _moment(seconds) if 0 <= seconds < MAX_SECONDS else None


def _moment(seconds: float) -> datetime:
    """A time as the site stores times; without time zones, that is its local time."""
    return datetime.fromtimestamp(seconds, timezone.utc if settings.USE_TZ else None)


class WebhookEventSerializer(serializers.Serializer[WebhookEvent]):
    """VWO's payload. Only ``event`` is required: any authenticated delivery may mean a change."""

    event = TextField(allow_null=True)
    action = TextField(required=False, allow_null=True)
    triggered_by = TextField(required=False, allow_null=True)
    timestamp = UnixTimestampField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the values of the event's fields."""
        values: dict[str, Any] = super().to_internal_value(data)
        return {
            "event": values["event"] or "",
            "action": values.get("action") or "",
            "triggered_by": values.get("triggered_by") or "",
            "timestamp": values.get("timestamp"),
        }


def fleet_status_json(status: FleetStatus) -> dict[str, Any]:
    """Return what monitors get: the keys are part of the public interface."""
    refused = status.refused
    switches = [(True, status.kill_switches), (False, status.foreign_kill_switches)]
    return {
        "state": status.state,
        "healthy": status.is_healthy,
        "since": _iso(status.since),
        "error": status.error,
        "snapshot": status.snapshot and status.snapshot.pk,
        "refreshed_seconds": status.refreshed_seconds,
        "behind": len(status.behind),
        "last_webhook": status.last_event and _iso(status.last_event.last_received_at),
        "impressions": {
            "waiting": status.impressions_waiting,
            "dropped": status.impressions_dropped,
        },
        "refused": {
            "deliveries": refused.count,
            "since": _iso(refused.since),
            "last": _iso(refused.last_at),
            "remote_addr": refused.remote_addr,
        },
        "kill_switches": [
            _kill_switch_json(switch, in_force=in_force)
            for in_force, rows in switches
            for switch in rows
        ],
        "processes": [
            _process_json(process, status.kill_switch_version) for process in status.processes
        ],
    }


def _kill_switch_json(switch: KillSwitch, *, in_force: bool) -> dict[str, Any]:
    return {
        "flag": switch.flag,
        "reason": switch.reason,
        "used_by": switch.used_by,
        "used_at": _iso(switch.used_at),
        "until": _iso(switch.until),
        "in_force": in_force,
    }


def _process_json(process: FleetProcess, kill_switch_version: int) -> dict[str, Any]:
    return {
        "host": process.host,
        "pid": process.pid,
        "kind": process.kind,
        "snapshot": process.snapshot_id,
        "kill_switches": process.has_kill_switches(kill_switch_version),
        "heartbeat_age_seconds": round(process.heartbeat_age_seconds, 1),
        "alive": not process.is_stale,
        "impressions": {
            "waiting": process.impressions_waiting,
            "dropped": process.impressions_dropped,
        },
        "refused": process.refused,
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
