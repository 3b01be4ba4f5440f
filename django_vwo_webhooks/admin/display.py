"""How the pages show text, JSON values, times and durations."""

import json
from datetime import datetime
from typing import Any

from django.db.models import BigAutoField
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import is_aware, localtime
from django.utils.translation import get_language_bidi, gettext, ngettext

from ..changes import printable
from ..models import SettingsSnapshot

EMPTY_DISPLAY = "–"
LONGEST_LINE = 80
LONGEST_REASON = 300
LONGEST_DOCUMENT = 100_000


def badge(kind: str, label: str) -> SafeString:
    return format_html('<span class="vwo-badge vwo-{}">{}</span>', kind, label)


def one_line(text: str, length: int = LONGEST_LINE) -> str:
    """The beginning of a text, on one line."""
    return Truncator(printable(" ".join(text.split()))).chars(length)


def labelled(label: str, text: str) -> SafeString:
    """A cell of a list, with its label where the list has no columns, on narrow screens."""
    return format_html('<bdi><span class="vwo-label">{}: </span>{}</bdi>', label, text)


def json_text(value: Any) -> str:
    """A JSON value, indented unless it is so deep that most of it would be indentation."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        text = ""
    if not text or len(text) > LONGEST_DOCUMENT:
        text = json.dumps(value, ensure_ascii=False)
    return printable_lines(text)


def text_block(text: str, label: str, *, wrap: bool = False) -> SafeString:
    """Text with its line breaks, in a block that scrolls and can be reached by keyboard."""
    return format_html(
        '<pre class="vwo-block{}" tabindex="0" role="group" dir="{}" aria-label="{}">{}</pre>',
        *((" vwo-wrap", "auto") if wrap else ("", "ltr")),
        label,
        printable_lines(text),
    )


def json_block(value: Any, label: str) -> SafeString:
    """A JSON document, or the beginning of a long one; the page links to the whole document."""
    text = json_text(value)
    if len(text) <= LONGEST_DOCUMENT:
        return text_block(text, label)
    note = gettext(
        "Cut after %(shown)d of %(all)d characters; “JSON” above has the whole document."
    )
    note %= {"shown": LONGEST_DOCUMENT, "all": len(text)}
    return format_html('{}<p dir="auto">{}</p>', text_block(text[:LONGEST_DOCUMENT], label), note)


def headline(snapshot: SettingsSnapshot | None) -> str:
    """The first change of a snapshot, and how many more there are."""
    if snapshot is None or not snapshot.change_count:
        return EMPTY_DISPLAY
    first, more = snapshot.first_change, snapshot.change_count - 1
    if not more:
        return first
    return ngettext("%(first)s (and %(more)d more)", "%(first)s (and %(more)d more)", more) % {
        "first": first,
        "more": more,
    }


def isolated(text: str) -> str:
    """``text`` in its own direction, so that its numbers keep their order on a page in Arabic."""
    return f"\u2068{text}\u2069" if get_language_bidi() else text


def in_current_zone(at: datetime) -> datetime:
    """A naive time, of a site without time zones, stays as it is."""
    return localtime(at) if is_aware(at) else at


def format_time(at: datetime | None) -> str:
    """A time in the site's time zone, to the second.

    With its offset from UTC in the hour that comes twice when clocks are set back.
    """
    if at is None:
        return EMPTY_DISPLAY
    local = in_current_zone(at)
    text = date_format(local, "Y-m-d H:i:s")
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        text += f" {local.isoformat()[-6:]}"
    return isolated(text)


def format_duration(seconds: float) -> str:
    """``84 ms``, ``1.2 s``, ``3 min``, ``2 h``, ``3 days``.

    Where the clocks of two machines differ, a duration between them may be negative.
    """
    if seconds < 0:
        return EMPTY_DISPLAY
    if round(seconds * 1000) < 1000:
        text = gettext("%d ms") % round(seconds * 1000)
    elif round(seconds, 1) < 60:
        text = gettext("%s s") % number_format(seconds, 1)
    elif seconds < 3600:
        text = gettext("%d min") % (seconds // 60)
    elif seconds < 48 * 3600:
        text = gettext("%d h") % (seconds // 3600)
    else:
        text = gettext("%d days") % (seconds // 86400)
    return isolated(text)


def row_number(text: str) -> int | None:
    """The number of a row that somebody typed; None where no row can have it."""
    # Python refuses to convert thousands of digits, and databases refuse what is above 64 bits
    number = int(text) if text.isdecimal() and len(text) <= 19 else 0
    return number if 0 < number <= BigAutoField.MAX_BIGINT else None


def printable_lines(text: str) -> str:
    """``text`` with its line breaks; other characters that break or reverse a line are escaped."""
    return "\n".join(printable(line) for line in text.split("\n"))
