"""VWO's gateway service, simulated: a cache in front of VWO, which may be stale."""

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django_vwo_webhooks.testing.fault_injection import Behaviour
from django_vwo_webhooks.testing.records import EventRequest, Fetch
from django_vwo_webhooks.testing.routes import SETTINGS_PATHS, Routes, answer_json
from django_vwo_webhooks.testing.server import Response
from django_vwo_webhooks.testing.simulator import VWOSimulator


class GatewaySimulator(VWOSimulator):
    """VWO and its gateway service in one; pass its URL to the SDK as ``gateway_service``.

    ``settings`` and ``set_flag`` change what VWO has, and webhooks are sent as by VWO. The gateway
    serves the copy that it made when it was created, or at the last ``poll()``. It knows the paths
    that the SDK uses behind a gateway, and no others: a batch of events is answered with a 404.
    The arguments are those of ``VWOSimulator``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user_details: dict[str, Any] = {}
        """What is known of every visitor: ``{"location": {…}, "userAgent": {…}}``."""

        self.aliases: dict[str, str] = {}
        """The user's id by alias, as ``set_alias`` has set them."""

        self._copy = self.settings

    def poll(self) -> None:
        """Copy the settings from VWO, as a gateway does every minute (``POLLING_TIME``)."""
        self._copy = self.settings

    def record_fetch(self, fetch: Fetch) -> tuple[dict[str, Any], Behaviour]:
        """Record a fetch; return the copy of the document, and how to answer."""
        _, behaviour = super().record_fetch(fetch)
        return self._copy, behaviour

    def routes(self) -> Routes:
        """The gateway's routes."""
        return GatewayRoutes(self)


class GatewayRoutes(Routes):
    """Responds for a gateway."""

    def __init__(self, gateway: GatewaySimulator) -> None:
        super().__init__(gateway)
        self._gateway = gateway

    def handle(self, method: str, path: str, headers: Any, body: bytes) -> Response:
        """Return the response to a request."""
        address = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        gateway = self._gateway
        if method == "POST" and address.path == "/events/t":
            behaviour = gateway.record_events(EventRequest.arrived(path, body, headers))
            return answer_json({}, behaviour.status or 200, behaviour)
        if method == "POST" and address.path == "/user-alias/setUserAlias":
            gateway.aliases[query["aliasId"]] = query["userId"]
            return answer_json({"isAliasSet": True})
        if method == "GET" and address.path in SETTINGS_PATHS:
            agent = headers.get("User-Agent", "")
            return self._settings(Fetch(address.path, query, time.monotonic(), agent))
        if method == "GET" and address.path == "/get-user-details":
            return answer_json(gateway.user_details)
        if method == "GET" and address.path == "/user-alias/getAliasUserId":
            users = json.loads(query["userId"])
            return answer_json(
                [{"aliasId": one, "userId": gateway.aliases.get(one, one)} for one in users]
            )
        return answer_json({"message": "Not found"}, 404)
