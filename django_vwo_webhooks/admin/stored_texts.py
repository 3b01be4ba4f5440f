"""Texts that are stored in English, such as reasons of failures, in the language of the reader."""

import functools
import re

from django.utils.translation import gettext, gettext_noop

TEXTS = [
    gettext_noop("secret %(secret)s, signature %(signature)s"),
    gettext_noop("secret %(number)s"),
    gettext_noop("signature %(number)s"),
    # no answer that could be used
    gettext_noop("VWO (%(host)s) answered HTTP %(status)s."),
    gettext_noop("VWO (%(host)s) did not answer within %(seconds)s s."),
    gettext_noop("VWO (%(host)s) did not answer in full within %(seconds)s s."),
    gettext_noop("No answer from VWO (%(host)s): %(reason)s."),
    gettext_noop("connection refused"),
    gettext_noop("connection reset"),
    gettext_noop("unknown host"),
    gettext_noop("its certificate is not trusted"),
    gettext_noop("VWO's answer (%(host)s) is larger than %(size)s MiB."),
    gettext_noop("VWO's answer is not a JSON object."),
    gettext_noop("VWO's answer is not JSON: %(reason)s."),
    gettext_noop("VWO's settings do not match the SDK's schema at %(place)s: %(reason)s."),
    gettext_noop("the top"),
    gettext_noop("%(keys)s missing"),
    gettext_noop("should be %(type)s"),
    gettext_noop('breaks the rule "%(rule)s"'),
    gettext_noop(
        "VWO's settings match the SDK's schema, but the SDK can't build a client from them: "
        "%(error)s in the SDK."
    ),
    # settings that were good
    gettext_noop("VWO's settings could not be stored: %(error)s."),
    gettext_noop("VWO's settings could not be stored. %(advice)s"),
    gettext_noop(
        "The database lacks tables or columns that this version of the site needs. "
        "Run: manage.py migrate"
    ),
    gettext_noop("Settings #%(number)s are stored, and are not in force here yet."),
    gettext_noop("Settings #%(number)s are stored, and could not be applied here: %(error)s."),
    # attempts that came to nothing
    gettext_noop("An earlier refresh is still under way."),
    gettext_noop("An earlier refresh by another process is still under way."),
    gettext_noop("A newer refresh started meanwhile; this late result is refused."),
    gettext_noop("The database took too long to leave time for asking VWO."),
    gettext_noop("No refresh succeeded while VWO retried it for an hour."),
    gettext_noop("Unexpected %(error)s during the refresh."),
    gettext_noop("VWO's settings were not refreshed."),
]
"""What this version stores; ``%(name)s`` is a value, or another of these texts."""

LONGEST = 1000
"""Longer texts stay as they are: finding the values in them would take long."""


def in_readers_language(text: str) -> str:
    """``text`` translated, or as it is where this version does not know it."""
    if len(text) > LONGEST:
        return text
    for known, pattern in _patterns():
        match = pattern.fullmatch(text)
        if match:
            values = {name: in_readers_language(part) for name, part in match.groupdict().items()}
            return gettext(known) % values
    return text


@functools.cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    def pattern(known: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"%\\?\((\w+)\\?\)s", r"(?P<\1>.+)", re.escape(known)))

    return [(known, pattern(known)) for known in TEXTS]
