"""Lists of changes as tables: one a flag, with what was before and what is after."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..changes import printable
from .words import LONGEST_DOCUMENT, as_text

LONGEST_CELL = 160
MOST_TEXT = 2_000_000
"""How many characters of values a page may hold: the more changes, the less of each."""

MOST_CHANGES = 1000
MOST_OPEN = 25
"""With how many changes the tables are open; with more, each opens by itself."""


@dataclass(frozen=True)
class Cell:
    text: str
    limit: int

    @property
    def beginning(self) -> str | None:
        """Of a value that is too long for a cell."""
        if len(self.text) <= LONGEST_CELL:
            return None
        return f"{self.text[:LONGEST_CELL].rstrip()}…"

    @property
    def whole(self) -> str:
        return self.text[: self.limit]

    @property
    def is_cut(self) -> bool:
        return len(self.text) > self.limit


@dataclass(frozen=True)
class Row:
    text: str
    before: Cell | None
    after: Cell | None


@dataclass
class Group:
    feature: str
    url: str | None
    rows: list[Row] = field(default_factory=list)

    @property
    def first(self) -> str:
        """The first sentence, without the flag that the group is of."""
        return self.rows[0].text.removeprefix(f"{self.feature}: ")


@dataclass(frozen=True)
class Comparison:
    groups: list[Group]
    number: int

    @property
    def is_open(self) -> bool:
        return self.number <= MOST_OPEN

    @property
    def left_out(self) -> int:
        return max(0, self.number - MOST_CHANGES)


def tabulate(changes: list[dict[str, Any]], url: Callable[[str], str] | None = None) -> Comparison:
    """``url(key)`` says where everything that ever happened to a flag is listed."""
    limit = min(LONGEST_DOCUMENT, MOST_TEXT // (2 * len(changes) or 1))
    groups: dict[str, Group] = {}
    for change in changes[:MOST_CHANGES]:
        key = printable(change.get("feature") or "")
        group = groups.setdefault(key, Group(key, url(key) if url and key else None))
        group.rows.append(
            Row(
                printable(change.get("text", "")),
                _cell(change.get("before"), limit),
                _cell(change.get("after"), limit),
            )
        )
    return Comparison(list(groups.values()), len(changes))


def _cell(value: Any, limit: int) -> Cell | None:
    return None if value is None else Cell(as_text(value), limit)
