"""How values read in a sentence: on one line, in plain text, and not too long."""

import json
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from .differences import NOTHING, Pair

LONGEST_VALUE = 60
LONGEST_WORDS = 110
"""For what is put into words, and stands in them nowhere else."""

LONGEST_SENTENCE = 300
LEAD_IN = 20
"""Characters that are shown before the first difference of two long values."""


def printable(text: str) -> str:
    """Escape, as JSON does, what would break the line or change its direction."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def cut(text: str, length: int = LONGEST_VALUE) -> str:
    """The printable text, or its beginning."""
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def in_full(value: Any) -> str:
    """A JSON value as a person would quote it."""
    return f"“{value}”" if isinstance(value, str) else compact(value)


def bare(value: Any) -> str:
    """A JSON value without quotes, where it cannot be mistaken."""
    return value if isinstance(value, str) else compact(value)


def switched(value: Any) -> str:
    """``on`` or ``off``."""
    return ("on" if value else "off") if isinstance(value, bool) else in_full(value)


def compact(value: Any) -> str:
    """A JSON value on one line."""
    if value is NOTHING:
        return "nothing"
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def shown(value: Any) -> str:
    """A JSON value, cut where it is long."""
    return cut(in_full(value))


def percent(value: Any) -> str:
    """A share of users."""
    if isinstance(value, float):
        return f"{value:g} %"
    return f"{value} %" if type(value) is int else in_full(value)


def turn(pair: Pair, in_words: Callable[[Any], str] = in_full, length: int = LONGEST_VALUE) -> str:
    """``before → after``, with the part in view where two long values differ."""
    before, after = (printable(in_words(side)) for side in pair)
    if before == after:
        before, after = (printable(compact(side)) for side in pair)
    begin = 0
    if max(len(before), len(after)) > length:
        begin = _common(before, after) - LEAD_IN
    return f"{_from(before, begin, length)} → {_from(after, begin, length)}"


def news(name: str, pair: Pair) -> str:
    """What happened to something that has no words of its own."""
    if pair.before is NOTHING:
        return f"{name} added: {shown(pair.after)}"
    if pair.after is NOTHING:
        return f"{name} removed, it was {shown(pair.before)}"
    return f"{name} {turn(pair)}"


def _common(before: str, after: str) -> int:
    """How many characters two texts begin with alike."""
    alike = takewhile(lambda signs: signs[0] == signs[1], zip(before, after, strict=False))
    return sum(1 for _ in alike)


def _from(text: str, begin: int, length: int) -> str:
    return cut(text if begin <= 1 else f"…{text[begin:]}", length)


def _escaped(sign: str) -> str:
    # json.dumps leaves DEL as it is
    return "\\u007f" if sign == "\x7f" else json.dumps(sign)[1:-1]
