"""Lists of changes as tables: one per flag, with the values before and after."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..changes import printable
from .display import LONGEST_DOCUMENT, json_text

LONGEST_CELL = 160
MOST_TEXT = 2_000_000
"""How many characters of values a page may hold: the more changes, the less of each."""

MOST_CHANGES = 1000
MOST_OPEN = 25
"""Up to how many changes the tables are open at first."""


@dataclass(frozen=True)
class Cell:
    text: str
    limit: int

    @property
    def beginning(self) -> str | None:
        """The first characters of a value that is too long for a cell."""
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
        """The first sentence, without the flag, which the group is named after."""
        return self.rows[0].text.removeprefix(f"{self.feature}: ")


@dataclass(frozen=True)
class Comparison:
    groups: list[Group]
    change_count: int

    @property
    def is_open(self) -> bool:
        return self.change_count <= MOST_OPEN

    @property
    def left_out(self) -> int:
        return max(0, self.change_count - MOST_CHANGES)


def tabulate(changes: list[dict[str, Any]], url: Callable[[str], str] | None = None) -> Comparison:
    """``url(key)`` returns where all events that changed a flag are listed."""
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
    return None if value is None else Cell(json_text(value), limit)
