"""Validates VWO's payload, and returns the values of an event's fields."""

import json
from datetime import datetime, timezone
from typing import Any

from django.conf import settings
from rest_framework import serializers

from .models import WebhookEvent

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
