"""An event by itself, as the SDK posts it where it has a ``gateway_service``."""

from typing import Any

from wingify.enums.headers_enum import HeadersEnum
from wingify.utils.function_util import get_random_number


def event_query(event: dict[str, Any]) -> dict[str, Any]:
    """What the query says of the event, most of which is in the event too."""
    data = event["d"]
    return {
        "en": data["event"]["name"],
        "eTime": data["event"]["time"],
        "random": get_random_number(),
        "p": "FS",
        "visitor_ua": _encodable(data.get("visitor_ua"), "utf-8"),
        "visitor_ip": _encodable(data.get("visitor_ip"), "utf-8"),
    }


def event_headers(event: dict[str, Any]) -> dict[str, str]:
    """The visitor's user agent and address, as far as a header can carry them."""
    visitor = {
        HeadersEnum.USER_AGENT.value: event["d"].get("visitor_ua"),
        HeadersEnum.IP.value: event["d"].get("visitor_ip"),
    }
    headers = {name: _encodable(value, "latin-1").strip() for name, value in visitor.items()}
    return {name: value for name, value in headers.items() if value}


def _encodable(value: Any, encoding: str) -> str:
    """A text that a visitor has sent, without what can't be sent on."""
    printable = "".join(each for each in str(value or "") if each.isprintable())
    return printable.encode(encoding, "replace").decode(encoding)
