"""How the trail says what it knows."""

import json
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from ..models import SettingsSnapshot

NOTHING = "–"
LONGEST_SENTENCE = 80


def badge(kind: str, label: str) -> SafeString:
    return format_html('<span class="vwo-badge vwo-{}">{}</span>', kind, label)


def printable(text: str) -> str:
    """``text`` as UTF-8 can carry it: VWO's documents may hold half a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode()


def shortened(text: str) -> str:
    """The beginning, on one line."""
    return Truncator(" ".join(printable(text).split())).chars(LONGEST_SENTENCE)


def block(text: str, label: str, *, wrap: bool = False) -> SafeString:
    """Text as it stands, in a block that scrolls and can be reached by keyboard."""
    return format_html(
        '<pre class="vwo-block{}" tabindex="0" role="region" aria-label="{}">{}</pre>',
        " vwo-wrap" if wrap else "",
        label,
        printable(text),
    )


def document(value: Any, label: str) -> SafeString:
    return block(json.dumps(value, indent=2, ensure_ascii=False), label)


def first_sentence(snapshot: SettingsSnapshot | None) -> str:
    """The first change in words, and how many more there are."""
    changes = snapshot.changes if snapshot is not None else []
    if not changes:
        return NOTHING
    first = shortened(changes[0]["text"])
    more = len(changes) - 1
    if not more:
        return first
    return ngettext("%(first)s and %(more)d more", "%(first)s and %(more)d more", more) % {
        "first": first,
        "more": more,
    }


def sentences(snapshot: SettingsSnapshot | None) -> str:
    changes = snapshot.changes if snapshot is not None else []
    items = format_html_join("", "<li>{}</li>", ([printable(change["text"])] for change in changes))
    if not changes:
        return NOTHING
    return format_html(
        '<div class="vwo-block vwo-wrap" tabindex="0" role="region" aria-label="{}">'
        '<ol class="vwo-changes">{}</ol></div>',
        gettext("Changes"),
        items,
    )


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
