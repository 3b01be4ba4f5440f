"""The simulator's routes: each request in, the response out."""

import json
import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from django_vwo_webhooks.management.outgoing import OutgoingWebhook
from django_vwo_webhooks.testing.editing import list_flags
from django_vwo_webhooks.testing.fault_injection import HEALTHY, PRESETS, Behaviour
from django_vwo_webhooks.testing.page import read_flag_form, render_page
from django_vwo_webhooks.testing.records import EventRequest, Fetch
from django_vwo_webhooks.testing.server import JSON, Response

HTML = "text/html; charset=utf-8"
SETTINGS_PATHS = ("/server-side/v2-settings", "/server-side/v2-pull")


class VWO(Protocol):
    """What the routes need of the simulator."""

    settings: dict[str, Any]
    webhook_url: str | None

    @property
    def deliveries(self) -> list[OutgoingWebhook]: ...

    @property
    def behaviour(self) -> Behaviour: ...

    def behave_as(self, behaviour: Behaviour) -> None: ...

    def knows(self, query: Mapping[str, str]) -> bool: ...

    def record_fetch(self, fetch: Fetch) -> tuple[dict[str, Any], Behaviour]: ...

    def record_events(self, request: EventRequest) -> Behaviour: ...

    def set_flag(
        self,
        key: str,
        *,
        enabled: bool | None = None,
        percentage: float | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> OutgoingWebhook | None: ...


class Routes:
    """Responds for one simulator."""

    def __init__(self, simulator: VWO) -> None:
        self._simulator = simulator

    def handle(self, method: str, path: str, headers: Any, body: bytes) -> Response:
        """Return the response to a request."""
        address = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if method == "GET" and address.path in SETTINGS_PATHS:
            user_agent = headers.get("User-Agent", "")
            return self._settings(Fetch(address.path, query, time.monotonic(), user_agent))
        if method == "GET" and address.path == "/":
            return self._page()
        if method == "GET":
            return answer_json({"message": "Not found"}, 404)
        if address.path == "/flags":
            return self._save_flag(_form(body))
        if address.path == "/behaviour":
            return self._save_behaviour(_form(body))
        behaviour = self._simulator.record_events(EventRequest.arrived(path, body, headers))
        return answer_json({}, behaviour.status or 200, behaviour)

    def _settings(self, fetch: Fetch) -> Response:
        document, behaviour = self._simulator.record_fetch(fetch)
        if not self._simulator.knows(fetch.query):
            return answer_json({"message": "Invalid accountId or sdkKey"}, 400)

        def body() -> bytes:
            if behaviour.body is None:
                late = behaviour.take == "answer"
                return json.dumps(self._simulator.settings if late else document).encode()
            if isinstance(behaviour.body, bytes):
                return behaviour.body
            return behaviour.body.encode()

        status, content_type = behaviour.status or 200, behaviour.content_type or JSON
        return Response(body, status, content_type, behaviour=behaviour)

    def _page(self, problem: str = "", status: int = 200) -> Response:
        simulator = self._simulator
        flags = list_flags(simulator.settings)
        page = render_page(
            flags, simulator.deliveries, simulator.behaviour, simulator.webhook_url, problem
        )
        return Response(page.encode, status, HTML)

    def _save_flag(self, form: Mapping[str, str]) -> Response:
        try:
            self._simulator.set_flag(**read_flag_form(form, list_flags(self._simulator.settings)))
        except ValueError as problem:
            return self._page(f"Not saved: {problem}", 400)
        return _back_to_page()

    def _save_behaviour(self, form: Mapping[str, str]) -> Response:
        behaviour = PRESETS.get(form.get("behaviour", ""))
        if behaviour is None:
            return self._page("Not saved: there is no such behaviour", 400)
        self._simulator.behave_as(behaviour)
        return _back_to_page()


def _form(body: bytes) -> dict[str, str]:
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def answer_json(value: Any, status: int = 200, behaviour: Behaviour = HEALTHY) -> Response:
    """A response with this value as its body."""
    return Response(json.dumps(value).encode, status, behaviour=behaviour)


def _back_to_page() -> Response:
    return Response(bytes, 303, HTML, {"Location": "/"})
