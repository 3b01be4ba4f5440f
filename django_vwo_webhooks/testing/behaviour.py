"""How VWO's side behaves, well or badly, when its settings are asked for."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Behaviour:
    """What happens to one answer; the plain ``Behaviour()`` is a healthy VWO.

    ``status``: HTTP status instead of 200. ``delay``: seconds before the first byte.
    ``drip``: seconds between single bytes of the body, with ``drip_headers`` of the headers too.
    ``endless``: the body never ends. ``body`` and ``content_type`` replace the document.
    ``truncate``: half of the body, then the end. ``reset``: the connection is reset unanswered.
    ``take``: whether the document is taken when the request arrives, or after the delay.
    """

    status: int | None = None
    delay: float = 0.0
    drip: float | None = None
    drip_headers: bool = False
    endless: bool = False
    body: str | bytes | None = None
    content_type: str | None = None
    truncate: bool = False
    reset: bool = False
    take: Literal["arrival", "answer"] = "arrival"


PRESETS: dict[str, Behaviour] = {
    "normal": Behaviour(),
    "HTTP 500": Behaviour(status=500, body='{"message": "Internal server error"}'),
    "hang": Behaviour(delay=3600.0),
    "garbage": Behaviour(body='{"features": [', content_type="application/json"),
}
"""The behaviours that the web page offers, by the name that it shows."""
