"""Validates VWO's payload, and returns the values of an event's fields."""

from datetime import datetime, timezone
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from .models import WebhookEvent

MAX_SECONDS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc).timestamp()
MIN_MILLISECONDS = 1e11
"""Timestamps from here on are in milliseconds; as seconds they would be past the year 5138."""


class TextField(serializers.CharField):
    """Accepts only JSON strings, whereas DRF's ``CharField`` accepts numbers too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class UnixTimestampField(serializers.Field[datetime, Any, str, Any]):
    """A Unix timestamp in seconds or milliseconds, as a number or a string of digits."""

    default_error_messages = {
        "invalid": _("Not a Unix timestamp in seconds or milliseconds."),
        "range": _("Not between the years 1970 and 9999."),
    }

    def to_internal_value(self, data: Any) -> datetime:
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) <= 15:
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        if not 0 <= data <= MAX_SECONDS * 1000:  # first, since dividing a huge int fails
            self.fail("range")
        seconds = data / 1000 if data >= MIN_MILLISECONDS else data
        return datetime.fromtimestamp(seconds, tz=timezone.utc)


class WebhookEventSerializer(serializers.Serializer[WebhookEvent]):
    """VWO's payload. Only ``event`` is required: any authenticated delivery may mean a change."""

    event = TextField(max_length=255)
    action = TextField(max_length=255, required=False, allow_blank=True, allow_null=True)
    triggered_by = TextField(max_length=255, required=False, allow_blank=True, allow_null=True)
    timestamp = UnixTimestampField(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the values of the event's fields."""
        values: dict[str, Any] = super().to_internal_value(data)
        return {
            "event": values["event"],
            "action": values.get("action") or "",
            "triggered_by": values.get("triggered_by") or "",
            "timestamp": values.get("timestamp"),
        }
