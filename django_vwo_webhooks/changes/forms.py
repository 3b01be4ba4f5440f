"""The forms in which JSON values are put into words."""

from collections.abc import Callable
from typing import Any

from .phrases import ALGORITHMS, KEYS
from .segments import targeting, whitelist
from .text import cut, on_or_off, percent, plain, quoted, without_text_around


def _algorithm(value: Any) -> str:
    known = type(value) is int and value in ALGORITHMS
    return str(ALGORITHMS[value]) if known else quoted(value)


def _key(path: str) -> str:
    return str(KEYS.get(path, path))


def _condition(segments: Any) -> str:
    return cut(targeting(segments), 120)


def _status(value: Any) -> str:
    switch = {"ON": True, "OFF": False}.get(str(value).upper())
    return cut(plain(value).lower()) if switch is None else on_or_off(switch)


FORMS: dict[str, Callable[[Any], str]] = {
    "algorithm": _algorithm,
    "condition": _condition,
    "json": lambda value: quoted(without_text_around(value)),
    "key": _key,
    "percent": percent,
    "plain": plain,
    "status": _status,
    "switch": on_or_off,
    "targeting": targeting,
    "value": quoted,
    "whitelist": whitelist,
}
"""How JSON values are put into words; ``names`` and ``shares`` need the change as well."""
