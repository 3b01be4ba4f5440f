"""How the value of an option is read.

A reader returns the value that is used, or None where the option is as good as missing. It raises
``ValueError`` for a value that can't work; what it should be is in the table.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.utils.functional import Promise

MAX_EVENTS_PER_REQUEST = 5000
"""VWO's own limit."""

MIN_INTERVAL_SECONDS = 0.1
"""With a shorter one, the thread that sends impressions would do little but wake up."""

MAX_INTERVAL_SECONDS = 86400

BLANK = re.compile(r"[\s\x00-\x1f\x7f]")
HOST_NAME = re.compile(r"[\w.-]+")


class Address(NamedTuple):
    """Where requests are sent: the parts of a URL."""

    scheme: str
    host: str
    port: int | None
    path: str
    unused: tuple[str, ...]
    """The other parts that the URL had, by name."""

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.host}{port}{self.path}"


def mapping(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError
    return value


def mapping_or_none(value: Any) -> Mapping[Any, Any] | None:
    return None if value is None else mapping(value)


def switch(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise ValueError
    return value


def whole(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError
    return value


def events_per_request(value: Any) -> int:
    return whole(value, 1, MAX_EVENTS_PER_REQUEST)


def interval(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError
    # NaN is not within any limits
    if not MIN_INTERVAL_SECONDS <= value <= MAX_INTERVAL_SECONDS:
        raise ValueError
    return value


def function(value: Any, arguments: int) -> Any:
    """A function that takes so many arguments and is not async."""
    if not callable(value):
        raise ValueError
    if any(map(inspect.iscoroutinefunction, (value, type(value).__call__))):
        raise ValueError
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return value  # one in C may not have a signature
    try:
        signature.bind(*range(arguments))
    except TypeError:
        raise ValueError from None
    return value


def integrations_callback(value: Any) -> Callable[..., object] | None:
    return None if value is None else function(value, 1)


def flush_callback(value: Any) -> Callable[..., object] | None:
    return None if value is None else function(value, 2)


def storage(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, type):
        raise ValueError
    function(getattr(value, "get", None), 2)
    function(getattr(value, "set", None), 1)
    return value


def protocol(value: Any) -> str | None:
    if value not in ("http", "https", None):
        raise ValueError
    return None if value is None else str(value)


def port(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    return whole(value, 1, 65535)


def address(value: Any) -> Address:
    """The address in a URL; its scheme may be missing."""
    if not isinstance(value, (str, Promise)):
        raise ValueError
    text = str(value).strip()
    if BLANK.search(text):
        raise ValueError
    # what is called in these lines raises ValueError as well
    url = urlsplit(text if "://" in text else f"//{text}")
    host = url.hostname or ""
    host.encode("idna")
    if ":" in host:
        host = f"[{IPv6Address(host)}]"
    elif not HOST_NAME.fullmatch(host):
        raise ValueError
    if url.port == 0 or url.scheme not in ("", "http", "https"):
        raise ValueError
    others = {
        "user name or password": "@" in url.netloc,
        "query": url.query,
        "fragment": url.fragment,
    }
    unused = tuple(name for name, present in others.items() if present)
    return Address(url.scheme, host, url.port, url.path.rstrip("/"), unused)


def proxy_url(value: Any) -> Address | None:
    if value is None:
        return None
    read = address(value)
    if not read.scheme:
        raise ValueError
    return read
