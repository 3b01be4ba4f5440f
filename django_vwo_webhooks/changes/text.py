"""Values as text in a sentence: on one line, plain, and not too long."""

import json
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from .pairs import MISSING, Pair

LONGEST_VALUE = 60
LONGEST_PHRASE = 110
"""The limit for segments and lists of names, which are readable in the text alone."""

LONGEST_SENTENCE = 300
LEAD_IN = 20
"""How many characters are shown before the first difference of two long values."""


def printable(text: str) -> str:
    """Escape, as JSON does, characters that would break the line or change its direction."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def cut(text: str, length: int = LONGEST_VALUE) -> str:
    """Return the printable text, or the beginning of a long one."""
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def quoted(value: Any) -> str:
    """Return a JSON value, with quotation marks around text."""
    return f"“{value}”" if isinstance(value, str) else compact(value)


def unquoted(value: Any) -> str:
    """Return a JSON value without quotation marks, for places where it is unambiguous."""
    return value if isinstance(value, str) else compact(value)


def on_or_off(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else quoted(value)


def compact(value: Any) -> str:
    """Return a JSON value on one line."""
    if value is MISSING:
        return "nothing"
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def percent(value: Any) -> str:
    """Return a share of users."""
    if isinstance(value, float):
        return f"{value:g} %"
    return f"{value} %" if type(value) is int else quoted(value)


def transition(
    pair: Pair, as_text: Callable[[Any], str] = quoted, length: int = LONGEST_VALUE
) -> str:
    """Return ``before → after``; long values begin shortly before their first difference."""
    before, after = (printable(as_text(side)) for side in pair)
    if before == after:
        before, after = (printable(compact(side)) for side in pair)
    start = 0
    if max(len(before), len(after)) > length:
        start = _common_length(before, after) - LEAD_IN
    return f"{_from(before, start, length)} → {_from(after, start, length)}"


def generic_change(name: str, pair: Pair) -> str:
    """Describe a change for which there is no specific sentence."""
    if pair.before is MISSING:
        return f"{name} added: {cut(quoted(pair.after))}"
    if pair.after is MISSING:
        return f"{name} removed, it was {cut(quoted(pair.before))}"
    return f"{name} {transition(pair)}"


def _common_length(before: str, after: str) -> int:
    """The length of the common beginning of two texts."""
    alike = takewhile(lambda chars: chars[0] == chars[1], zip(before, after, strict=False))
    return sum(1 for _ in alike)


def _from(text: str, start: int, length: int) -> str:
    return cut(text if start <= 1 else f"…{text[start:]}", length)


def _escaped(char: str) -> str:
    # json.dumps does not escape DEL
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]
