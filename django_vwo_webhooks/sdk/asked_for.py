"""The keys of the flags that the site's code asks this process for.

An evaluation only looks its key up in a set; the heartbeat stores what is new in it.
"""

MOST_KEYS = 1000
"""A site may pass on keys that come from outside, so not each of them is remembered."""

asked_keys: set[str] = set()
"""A child keeps those of the parent that forked it: they are asked for by the same site."""


def note_asked(key: str) -> None:
    """Remember a key that is not in ``asked_keys``."""
    if len(asked_keys) < MOST_KEYS:
        asked_keys.add(key)
