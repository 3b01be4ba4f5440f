"""Events as JSON."""

import json
from contextlib import suppress
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

_encoder = DjangoJSONEncoder(allow_nan=False)


class NotEncodable(Exception):
    """An event that can't be made JSON; the message names what is wrong, without values."""


def encode(event: dict[str, Any]) -> bytes:
    """The event as JSON, in which Decimal, dates, UUID and lazy texts are strings.

    Raises ``NotEncodable``.
    """
    try:
        return _encoder.encode(event).encode()
    except Exception as error:  # a value may be of any class, whose code may raise anything
        raise NotEncodable(_unencodable(event) or type(error).__name__) from None


def event_name(encoded: bytes) -> str:
    """The name of an event that has been made JSON."""
    return name_of(json.loads(encoded))


def name_of(event: Any) -> str:
    """The name of an event."""
    try:
        return str(event["d"]["event"]["name"])
    except (KeyError, TypeError):
        return "without a name"


def _unencodable(event: Any) -> str:
    """The first property that can't be made JSON, with the type of its value."""
    with suppress(Exception):  # keys and values may be of any class
        for place in (event["d"]["visitor"]["props"], event["d"]["event"]["props"], event["d"]):
            for key, value in place.items():
                try:
                    _encoder.encode({key: value})
                except Exception:
                    return f"{key!s:.100} is of type {type(value).__name__}"
    return ""
