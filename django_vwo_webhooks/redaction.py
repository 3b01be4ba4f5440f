"""Texts without the SDK key and the secrets, so that they may be logged, reported and shown."""

import json
import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from .conf import app_settings

SHORTEST_PART = 4
"""How many characters of a secret count as a part of it."""


def redact(text: str, *, cut_mark: str | None = None) -> str:
    """Return ``text`` without the SDK key and the secrets.

    ``cut_mark`` is what ends a text that was cut, perhaps in the middle of one of them. This
    never raises, since invalid settings are reported too.
    """
    spellings = _spellings(app_settings.credentials)
    if not spellings:
        return text
    text = _any_of(spellings).sub("***", text)
    if cut_mark and text.endswith(cut_mark):
        text = _without_beginning(text.removesuffix(cut_mark), spellings) + cut_mark
    return text


class RedactedDict(dict[str, Any]):
    """A dict with the SDK key, without which it is shown: error pages show local variables."""

    def __repr__(self) -> str:
        return redact(super().__repr__())


@lru_cache(maxsize=8)
def _spellings(values: frozenset[str]) -> tuple[str, ...]:
    """Each of the values as it stands in texts, URLs, JSON, and the ``repr`` of objects."""
    spellings = set()
    for value in values:
        encoded = value.encode("utf-8", "surrogatepass")
        spellings |= {quote(encoded, safe=""), quote(encoded), quote_plus(encoded)}
        # Django decodes headers as Latin-1
        for text in (value, value.strip(), encoded.decode("latin-1")):
            spellings |= {text, repr(text)[1:-1], ascii(text)[1:-1], json.dumps(text)[1:-1]}
        spellings.add(repr(encoded)[2:-1])
    return tuple(sorted(spellings, key=len, reverse=True))


@lru_cache(maxsize=8)
def _any_of(spellings: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, spellings)))


def _without_beginning(text: str, spellings: tuple[str, ...]) -> str:
    """``text`` without the beginning of a value that it may end with."""
    for spelling in spellings:
        for length in range(len(spelling) - 1, SHORTEST_PART - 1, -1):
            if text.endswith(spelling[:length]):
                return text[:-length] + "***"
    return text
