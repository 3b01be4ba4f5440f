"""How the trail says what it knows."""

import json
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from ..models import SettingsSnapshot

NOTHING = "–"
LONGEST_SENTENCE = 80


def badge(kind: str, label: str) -> SafeString:
    return format_html('<span class="vwo-badge vwo-{}">{}</span>', kind, label)


def block(text: str) -> SafeString:
    """Text as it stands, in a block that scrolls and can be reached by keyboard."""
    return format_html('<pre class="vwo-block" tabindex="0">{}</pre>', text)


def document(value: Any) -> SafeString:
    return block(json.dumps(value, indent=2, ensure_ascii=False))


def first_sentence(snapshot: SettingsSnapshot | None) -> str:
    """The first change in words, and how many more there are."""
    changes = snapshot.changes if snapshot is not None else []
    if not changes:
        return NOTHING
    first = str(changes[0]["text"])
    if len(first) > LONGEST_SENTENCE:
        first = f"{first[: LONGEST_SENTENCE - 1]}…"
    more = len(changes) - 1
    if not more:
        return first
    return ngettext("%(first)s and %(more)d more", "%(first)s and %(more)d more", more) % {
        "first": first,
        "more": more,
    }


def sentences(snapshot: SettingsSnapshot | None) -> str:
    changes = snapshot.changes if snapshot is not None else []
    items = format_html_join("", "<li>{}</li>", ([change["text"]] for change in changes))
    return format_html('<ul class="vwo-changes">{}</ul>', items) if changes else NOTHING


def duration(seconds: float) -> str:
    """``84 ms``, ``1.2 s``, ``3 min``, ``2 h``; the clocks of two machines may say less than 0."""
    if seconds < 0:
        return NOTHING
    if seconds < 1:
        return gettext("%d ms") % round(seconds * 1000)
    if seconds < 60:
        return gettext("%.1f s") % seconds
    if seconds < 3600:
        return gettext("%d min") % (seconds // 60)
    if seconds < 48 * 3600:
        return gettext("%d h") % (seconds // 3600)
    return gettext("%d days") % (seconds // 86400)
