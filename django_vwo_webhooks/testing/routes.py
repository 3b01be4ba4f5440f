"""Which request of the simulator's clients gets which answer."""

import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from django_vwo_webhooks.management.delivery import Delivery
from django_vwo_webhooks.testing.answers import (
    Answer,
    html_answer,
    json_answer,
    see_other,
    settings_answer,
)
from django_vwo_webhooks.testing.behaviour import PRESETS, Behaviour
from django_vwo_webhooks.testing.flags import list_flags
from django_vwo_webhooks.testing.page import render_page
from django_vwo_webhooks.testing.records import EventRequest, Fetch
from django_vwo_webhooks.testing.variables import from_text

SETTINGS_PATHS = ("/server-side/v2-settings", "/server-side/v2-pull")


class VWO(Protocol):
    """What the routes ask of the simulator."""

    settings: dict[str, Any]

    @property
    def deliveries(self) -> list[Delivery]: ...

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
    ) -> Delivery | None: ...


class Routes:
    """Answers for one simulator."""

    def __init__(self, simulator: VWO) -> None:
        self._simulator = simulator

    def handle(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """Return the answer to a request."""
        address = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        if method == "GET" and address.path in SETTINGS_PATHS:
            agent = headers.get("User-Agent", "")
            return self._settings(Fetch(address.path, query, time.monotonic(), agent))
        if method == "GET" and address.path == "/":
            return self._page()
        if method == "GET":
            return json_answer({"message": "Not found"}, 404)
        if address.path == "/flags":
            return self._save_flag(_form(body))
        if address.path == "/behaviour":
            return self._save_behaviour(_form(body))
        behaviour = self._simulator.record_events(EventRequest(path, body))
        return json_answer({}, behaviour.status or 200, behaviour)

    def _settings(self, fetch: Fetch) -> Answer:
        simulator = self._simulator
        document, behaviour = simulator.record_fetch(fetch)
        if not simulator.knows(fetch.query):
            return json_answer({"message": "Invalid accountId or sdkKey"}, 400)
        late = behaviour.take == "answer"
        return settings_answer(lambda: simulator.settings if late else document, behaviour)

    def _page(self, problem: str = "", status: int = 200) -> Answer:
        simulator = self._simulator
        flags = list_flags(simulator.settings)
        page = render_page(flags, simulator.deliveries, simulator.behaviour, problem)
        return html_answer(page, status)

    def _save_flag(self, form: Mapping[str, str]) -> Answer:
        key = form.get("key", "").strip()
        kinds = {
            entry["key"]: entry["type"]
            for flag in list_flags(self._simulator.settings)
            if flag.key == key
            for entry in flag.variables
        }
        try:
            if not key:
                raise ValueError("A flag needs a key")
            variables = {
                name: from_text(form[f"variable:{name}"], kind)
                for name, kind in kinds.items()
                if f"variable:{name}" in form
            }
            share = float(form.get("percentage", "100"))
            self._simulator.set_flag(
                key,
                enabled="enabled" in form,
                percentage=int(share) if share.is_integer() else share,
                variables=variables,
            )
        except ValueError as problem:
            return self._page(f"Not saved: {problem}", 400)
        return see_other("/")

    def _save_behaviour(self, form: Mapping[str, str]) -> Answer:
        behaviour = PRESETS.get(form.get("behaviour", ""))
        if behaviour is None:
            return self._page("Not saved: no such behaviour", 400)
        self._simulator.behave_as(behaviour)
        return see_other("/")


def _form(body: bytes) -> dict[str, str]:
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}
