"""An answer of the simulator before it is written to the wire."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django_vwo_webhooks.testing.behaviour import Behaviour

JSON = "application/json"
HTML = "text/html; charset=utf-8"
WELL = Behaviour()


@dataclass(frozen=True)
class Answer:
    """Status, body and headers, and how well they are delivered.

    ``body`` is called when the answer is made, after the behaviour's delay.
    """

    body: Callable[[], bytes]
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    behaviour: Behaviour = WELL

    @property
    def phrase(self) -> str:
        """The words after the status code."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "Unknown"


def json_answer(value: Any, status: int = 200, behaviour: Behaviour = WELL) -> Answer:
    """Return ``value`` as JSON."""
    body = json.dumps(value).encode()
    return Answer(lambda: body, status, behaviour=behaviour)


def html_answer(page: str, status: int = 200) -> Answer:
    """Return a web page."""
    return Answer(lambda: page.encode(), status, HTML)


def see_other(location: str) -> Answer:
    """Return a redirect that is followed with a GET."""
    return Answer(lambda: b"", 303, HTML, {"Location": location})


def settings_answer(document: Callable[[], dict[str, Any]], behaviour: Behaviour) -> Answer:
    """Return the settings document, or what the behaviour puts in its place."""

    def body() -> bytes:
        if behaviour.body is None:
            return json.dumps(document()).encode()
        if isinstance(behaviour.body, bytes):
            return behaviour.body
        return behaviour.body.encode()

    status, content_type = behaviour.status or 200, behaviour.content_type or JSON
    return Answer(body, status, content_type, behaviour=behaviour)
