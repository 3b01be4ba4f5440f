"""Values as text in a sentence: on one line, plain, and not too long."""

import json
from itertools import takewhile
from typing import Any

from django.utils.formats import get_format
from django.utils.translation import gettext, pgettext

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
    return gettext("“%s”") % value if isinstance(value, str) else compact(value)


def plain(value: Any) -> str:
    """Return a JSON value without quotation marks, for places where it is unambiguous."""
    return value if isinstance(value, str) else compact(value)


def on_or_off(value: Any) -> str:
    if not isinstance(value, bool):
        return quoted(value)
    return pgettext("switch", "on") if value else pgettext("switch", "off")


def compact(value: Any) -> str:
    """Return a JSON value on one line."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def percent(value: Any) -> str:
    """Return a share of users."""
    if type(value) not in (int, float):
        return quoted(value)
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return gettext("%s %%") % number.replace(".", get_format("DECIMAL_SEPARATOR"))


def without_text_around(value: Any) -> Any:
    """Return the JSON value that a text contains, as VWO keeps some variables of type JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def transition(before: str, after: str, length: int = LONGEST_VALUE) -> str:
    """Return ``before → after``; long texts begin shortly before their first difference."""
    before, after = printable(before), printable(after)
    start = 0
    if max(len(before), len(after)) > length:
        start = _common_length(before, after) - LEAD_IN
    return f"{_from(before, start, length)} → {_from(after, start, length)}"


def _common_length(before: str, after: str) -> int:
    """The length of the common beginning of two texts."""
    alike = takewhile(lambda chars: chars[0] == chars[1], zip(before, after, strict=False))
    return sum(1 for _ in alike)


def _from(text: str, start: int, length: int) -> str:
    return cut(text if start <= 1 else f"…{text[start:]}", length)


def _escaped(char: str) -> str:
    # json.dumps does not escape DEL
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]
