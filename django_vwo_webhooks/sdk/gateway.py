"""Posting an event as the SDK does where it has a ``gateway_service``: each by itself."""

import logging
from typing import Any

import requests
from wingify.constants.Constants import Constants
from wingify.enums.headers_enum import HeadersEnum
from wingify.enums.url_enum import UrlEnum
from wingify.packages.network_layer.manager.network_manager import NetworkManager
from wingify.services.settings_manager import SettingsManager
from wingify.utils.function_util import get_random_number

logger = logging.getLogger("django_vwo_webhooks.sdk")

POST_TIMEOUT_SECONDS = 3.0
"""The SDK's own, for posts."""


def post_event(event: dict[str, Any], account_id: str, sdk_key: str) -> bool:
    """Post one event and wait for the answer: whether the gateway has accepted it.

    The SDK's own function would do so in another thread, and would not report the result.
    """
    session: requests.Session = NetworkManager.get_instance().client.session
    try:
        response = session.post(
            event_url(),
            params=event_query(event, account_id, sdk_key),
            headers=event_headers(event),
            json=event,
            timeout=POST_TIMEOUT_SECONDS,
        )
    except (requests.RequestException, TypeError, ValueError) as error:
        logger.warning("An event could not be posted to the gateway: %s.", type(error).__name__)
        return False
    if not response.ok:
        logger.warning("The gateway answered an event with HTTP %d.", response.status_code)
    return response.ok


def event_url() -> str:
    """Where a gateway expects an event; a collection prefix is only for VWO's own servers."""
    manager = SettingsManager.get_instance()
    return f"{manager.protocol}://{manager.get_events_hostname()}{UrlEnum.EVENTS.value}"


def event_query(event: dict[str, Any], account_id: str, sdk_key: str) -> dict[str, Any]:
    """The query, which the SDK makes when the event happens; most of it is in the event too."""
    data = event["d"]
    return {
        "en": data["event"]["name"],
        "a": account_id,
        "env": sdk_key,
        "eTime": data["event"]["time"],
        "random": get_random_number(),
        "p": "FS",
        "visitor_ua": _encodable(data.get("visitor_ua"), "utf-8"),
        "visitor_ip": _encodable(data.get("visitor_ip"), "utf-8"),
        "sn": SettingsManager.get_instance().get_sdk_name(),
        "sv": Constants.SDK_VERSION,
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
