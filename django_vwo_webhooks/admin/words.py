"""How the trail says what it knows."""

import json
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..changes import printable
from ..models import SettingsSnapshot
from ..status import FleetStatus

STATES = {"fresh": _("fresh"), "stale": _("stale"), "failing": _("failing")}
NOTHING = "–"
LONGEST_SENTENCE = 80
LONGEST_DOCUMENT = 100_000


def badge(kind: str, label: str) -> SafeString:
    return format_html('<span class="vwo-badge vwo-{}">{}</span>', kind, label)


def lines(text: str) -> str:
    """``text`` with its lines kept, and whatever else breaks or turns a line escaped."""
    return "\n".join(printable(line) for line in text.split("\n"))


def shortened(text: str) -> str:
    """The beginning, on one line."""
    return Truncator(printable(" ".join(text.split()))).chars(LONGEST_SENTENCE)


def as_text(value: Any) -> str:
    """A JSON value, indented unless it is so deep that it would be blanks for the most part."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        text = ""
    if not text or len(text) > LONGEST_DOCUMENT:
        text = json.dumps(value, ensure_ascii=False)
    return lines(text)


def block(text: str, label: str, *, wrap: bool = False) -> SafeString:
    """Text as it stands, in a block that scrolls and can be reached by keyboard."""
    return format_html(
        '<pre class="vwo-block{}" tabindex="0" role="group" aria-label="{}">{}</pre>',
        " vwo-wrap" if wrap else "",
        label,
        lines(text),
    )


def document(value: Any, label: str) -> SafeString:
    """A JSON document, or its beginning; the page has a link to the whole."""
    text = as_text(value)
    if len(text) <= LONGEST_DOCUMENT:
        return block(text, label)
    cut = gettext("Cut after %(shown)d of %(all)d characters; “JSON” above has the whole.")
    said = cut % {"shown": LONGEST_DOCUMENT, "all": len(text)}
    return format_html("{}<p>{}</p>", block(text[:LONGEST_DOCUMENT], label), said)


def headline(snapshot: SettingsSnapshot | None) -> str:
    """The first change in words, and how many more there are."""
    if snapshot is None or not snapshot.change_count:
        return NOTHING
    first, more = shortened(snapshot.headline), snapshot.change_count - 1
    if not more:
        return first
    return ngettext("%(first)s and %(more)d more", "%(first)s and %(more)d more", more) % {
        "first": first,
        "more": more,
    }


def local(at: datetime) -> datetime:
    """``at`` in the current time zone, where the site has any."""
    return localtime(at) if is_aware(at) else at


def moment(at: datetime | None) -> str:
    """A time of this site's zone, to the second."""
    return NOTHING if at is None else date_format(local(at), "Y-m-d H:i:s")


def duration(seconds: float) -> str:
    """``84 ms``, ``1.2 s``, ``3 min``, ``2 h``; the clocks of two machines may say less than 0."""
    if seconds < 0:
        return NOTHING
    if round(seconds * 1000) < 1000:
        return gettext("%d ms") % round(seconds * 1000)
    if round(seconds, 1) < 60:
        return gettext("%.1f s") % seconds
    if seconds < 3600:
        return gettext("%d min") % (seconds // 60)
    if seconds < 48 * 3600:
        return gettext("%d h") % (seconds // 3600)
    return gettext("%d days") % (seconds // 86400)


def fleet(status: FleetStatus) -> str:
    """As in "12 of 12 on #57, slowest 0.8 s"."""
    alive = len(status.alive)
    if status.snapshot is None:
        return ngettext(
            "%d process, no settings yet", "%d processes, no settings yet", alive
        ) % alive  # fmt: skip
    said = gettext("%(current)d of %(alive)d on %(snapshot)s") % {
        "current": alive - len(status.behind),
        "alive": alive,
        "snapshot": status.snapshot,
    }
    slowest = status.slowest_seconds
    if slowest is None:
        return said
    return gettext("%(fleet)s, slowest %(seconds).1f s") % {
        "fleet": said,
        "seconds": max(slowest, 0),
    }
