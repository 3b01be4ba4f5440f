"""Which of a site's options the SDK is given, and what is wrong with the others."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from .readers import Address
from .table import BY_NAME, GROUPS, Option


class Problem(NamedTuple):
    """What is wrong with an option. Values are not quoted, since a URL may contain a password."""

    kind: Literal["invalid", "ignored", "unknown"]
    message: str
    hint: str


ALIASING_WITHOUT_GATEWAY = Problem(
    "invalid",
    f"{BY_NAME['is_aliasing_enabled'].path} should not be True without a gateway_service.",
    'Write: VWO_WEBHOOKS = {…, "SDK_OPTIONS": {…, "is_aliasing_enabled": True, '
    f'"gateway_service": {BY_NAME["gateway_service"].example}}}}}',
)


class Batching(NamedTuple):
    """When impressions are sent, and how many in a request."""

    events_per_request: int = 100
    request_time_interval: float = 2.0
    """In seconds."""

    flush_callback: Callable[..., object] | None = None


def accepted_options(options: Mapping[Any, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The options for ``vwo.init``, and what is wrong with the others.

    An option that is invalid is left out, so that its default applies. One that the table does not
    know is reported and passed on all the same: a newer SDK may know it.
    """
    reading = _Reading()
    accepted = reading.read(options)
    gateway = accepted.pop("gateway_service", None)
    proxy = accepted.pop("proxy_url", None)
    if gateway and "url" in gateway:
        accepted["gateway_service"] = {"url": _gateway_url(**gateway)}
        if proxy is not None:
            reading.ignored(BY_NAME["proxy_url"], "gateway_service takes precedence")
        if accepted.pop("batch_event_data", None) is not None:
            reading.ignored(BY_NAME["batch_event_data"], "a gateway is sent each event singly")
        return accepted, reading.problems
    if gateway is not None and "url" not in options["gateway_service"]:
        reading.invalid(BY_NAME["gateway_service"])
    if proxy is not None:
        accepted["proxy_url"] = str(proxy)
    if accepted.pop("is_aliasing_enabled", False):
        reading.problems.append(ALIASING_WITHOUT_GATEWAY)
    return accepted, reading.problems


def batching(options: Mapping[Any, Any]) -> Batching:
    """How impressions are sent with these options."""
    accepted, _ = accepted_options(options)
    if "gateway_service" in accepted:
        # a gateway takes each event by itself
        return Batching(events_per_request=1)
    return Batching(**accepted.get("batch_event_data", {}))


def _gateway_url(url: Address, protocol: str = "https", port: int | None = None) -> str:
    return str(url._replace(scheme=url.scheme or protocol, port=url.port or port))


class _Reading:
    """Reads options by the table, and notes problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def read(self, values: Mapping[Any, Any], parent: str = "") -> dict[str, Any]:
        """The valid ones of these options, or of these keys of the option ``parent``."""
        accepted = {}
        for key, value in values.items():
            option = _find(key, parent)
            if option is None:
                self._unknown(key, parent)
                if isinstance(key, str) and not parent:
                    accepted[key] = value
            elif option.read is None:
                self.ignored(option, option.text, option.example)
            else:
                try:
                    read = option.read(value)
                except ValueError:
                    self.invalid(option)
                    continue
                if isinstance(read, Address):
                    self._unused(option, read)
                if option.name in GROUPS and read is not None:
                    read = self.read(read, option.name)
                if read is not None:
                    accepted[key] = read
        return accepted

    def invalid(self, option: Option) -> None:
        message = f"{option.path} should be {option.text}."
        self.problems.append(Problem("invalid", message, f"Write: {option.line}"))

    def ignored(self, option: Option, reason: str, hint: str = "") -> None:
        message = f"{option.path} is ignored: {reason}."
        self.problems.append(Problem("ignored", message, hint or "Remove it."))

    def _unused(self, option: Option, address: Address) -> None:
        for part in address.unused:
            message = f"{option.path} has a {part}, which is ignored."
            self.problems.append(Problem("ignored", message, f"Remove the {part} from the URL."))

    def _unknown(self, key: Any, parent: str) -> None:
        siblings = {
            option.name.rpartition(".")[2]: option
            for option in BY_NAME.values()
            if option.name.rpartition(".")[0] == parent
        }
        squeezed = {_squeeze(name): name for name in siblings}
        near = difflib.get_close_matches(_squeeze(str(key)), squeezed, n=1)
        known = ", ".join(name for name, option in siblings.items() if option.is_used)
        hint = f'Did you mean "{squeezed[near[0]]}"?' if near else f"Known options: {known}."
        place = f'["{parent}"]' if parent else ""
        message = f'VWO_WEBHOOKS["SDK_OPTIONS"]{place} has an unknown option "{key}".'
        self.problems.append(Problem("unknown", message, hint))


def _find(key: Any, parent: str) -> Option | None:
    if not isinstance(key, str) or "." in key:
        return None
    return BY_NAME.get(f"{parent}.{key}" if parent else key)


def _squeeze(name: str) -> str:
    """A name without what differs between the SDKs of different languages."""
    return name.replace("_", "").lower()
