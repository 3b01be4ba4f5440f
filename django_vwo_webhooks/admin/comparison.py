"""Lists of changes as tables: one per flag, with the values before and after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any, NamedTuple

from ..changes import printable, without_text_around, words
from .display import LONGEST_DOCUMENT, json_text, printable_lines

LONGEST_CELL = 160
MOST_TEXT = 2_000_000
"""How many characters of values a page may hold: the more changes, the less of each."""

MOST_CHANGES = 1000
MOST_OPEN = 25
"""Up to how many changes the tables are open at first."""

MOST_LINE_PAIRS = 250_000
"""Of longer documents all lines between the first and the last difference are marked."""

LEAD_IN = 20
"""How many characters are shown before the first difference of two long texts."""

CONTEXT = 1
"""How many equal lines are shown around those that differ."""


class Line(NamedTuple):
    """A line of a JSON document."""

    text: str
    differs: bool = False


class Cell(NamedTuple):
    """A value in words, and as JSON where it is an object or a list."""

    text: str
    limit: int
    json: str = ""
    lines: tuple[Line, ...] = ()
    """The lines of the JSON document that are shown."""
    is_json: bool = False
    """Whether the JSON document itself is what changed, so that there are no other words."""
    start: int = 0
    """Where the part is that is shown of a long text."""

    @property
    def beginning(self) -> str | None:
        """What is shown of a value that is too long for a cell."""
        if len(self.text) <= LONGEST_CELL:
            return None
        end = self.start + LONGEST_CELL
        left, right = ("…" if left_out else "" for left_out in (self.start, self.text[end:]))
        return f"{left}{self.text[self.start : end].strip()}{right}"

    @property
    def whole(self) -> str:
        return self.text[: self.limit]

    @property
    def excerpt(self) -> list[Line]:
        """The lines that differ of a document that is too long for a cell."""
        if not self.is_json or len(self.text) <= LONGEST_CELL:
            return []
        near = {
            place
            for here, line in enumerate(self.lines)
            if line.differs
            for place in range(here - CONTEXT, here + CONTEXT + 1)
        }
        shown = []
        for place, line in enumerate(self.lines):
            if place in near:
                shown.append(line)
            elif shown and shown[-1].text != "…":
                shown.append(Line("…"))
        return shown

    @property
    def is_cut(self) -> bool:
        return len(self.text) > self.limit or len(self.json) > self.limit


class Row(NamedTuple):
    text: str
    """The change as a phrase, without its flag."""
    what: str
    before: Cell | None
    after: Cell | None


@dataclass
class Group:
    feature: str
    url: str | None
    rows: list[Row] = field(default_factory=list)

    @property
    def first(self) -> str:
        """The first change, without the flag, which the group is named after."""
        return self.rows[0].text


class Comparison(NamedTuple):
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
    # a cell may show a value in words and as JSON, and some of its lines twice
    limit = min(LONGEST_DOCUMENT, MOST_TEXT // (4 * len(changes) or 1))
    groups: dict[str, Group] = {}
    for change in changes[:MOST_CHANGES]:
        key = printable(change.get("feature") or "")
        group = groups.setdefault(key, Group(key, url(key) if url and key else None))
        group.rows.append(_row(change, limit))
    return Comparison(list(groups.values()), len(changes))


def _row(change: dict[str, Any], limit: int) -> Row:
    phrase, what, *texts = words(change)
    values = [_document(change, side) for side in ("before", "after")]
    documents = [json_text(value) if isinstance(value, dict | list) else "" for value in values]
    marked = _marked(*(document[:limit].split("\n") for document in documents))
    is_json = _form(change) in ("value", "json")
    cells: list[Cell | None] = []
    shown_texts = [printable_lines(text or "") for text in texts]
    start = _start(*(shown[:limit] for shown in shown_texts))
    for value, text, shown, document, lines in zip(
        values, texts, shown_texts, documents, marked, strict=True
    ):
        if text is None and not document:
            cells.append(None)
        else:
            if value in ({}, []) or (is_json and len(shown) <= LONGEST_CELL):
                document = ""  # the words are all of it
            kept = tuple(lines) if document else ()
            cells.append(Cell(shown, limit, document, kept, is_json, start))
    return Row(phrase, what, *cells)


def _document(change: dict[str, Any], side: str) -> Any:
    """The value before or after; the JSON value where that is a text of type JSON."""
    value = change.get(side)
    return without_text_around(value) if _form(change) == "json" else value


def _form(change: dict[str, Any]) -> str | None:
    values: dict[str, str] = change.get("values", {})
    return values.get("as")


def _marked(before: list[str], after: list[str]) -> tuple[list[Line], list[Line]]:
    """The lines of two documents, each of which differs or does not."""
    if before == [""] or after == [""]:
        return [Line(line) for line in before], [Line(line) for line in after]
    first, last = _alike(before, after), _alike(before[::-1], after[::-1])
    last = min(last, len(before) - first, len(after) - first)
    middles = [side[first : len(side) - last] for side in (before, after)]
    same: list[set[int]] = [set(), set()]
    if len(middles[0]) * len(middles[1]) <= MOST_LINE_PAIRS:
        for block in SequenceMatcher(
            None, middles[0], middles[1], autojunk=False
        ).get_matching_blocks():
            same[0].update(range(block.a, block.a + block.size))
            same[1].update(range(block.b, block.b + block.size))
    return tuple(  # type: ignore[return-value]
        [
            Line(line, first <= place < len(side) - last and place - first not in alike)
            for place, line in enumerate(side)
        ]
        for side, alike in zip((before, after), same, strict=True)
    )


def _start(before: str, after: str) -> int:
    """Where two texts are shown from, so that their first difference is in sight."""
    alike = _alike(before, after)
    return 0 if alike <= LONGEST_CELL - LEAD_IN else alike - LEAD_IN


def _alike(before: Sequence[str], after: Sequence[str]) -> int:
    """How many lines two documents, or characters two texts, have in common at first."""
    pairs = zip(before, after, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
