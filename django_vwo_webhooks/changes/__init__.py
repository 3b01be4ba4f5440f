"""Two settings documents in, the list of what changed out, in a product manager's words.

Pure: no database, no SDK. The data flows one way:

- ``normal``: what of a document means something, in the one order that it can have;
- ``differences``: where two normal forms differ, with list items matched by id or key;
- ``features``, ``campaigns``, ``groups``: the words for each difference. Differences that say
  one thing, such as a flag's status and the weight that goes with it, get the very same sentence.

So the list is empty if and only if the digests of the two documents are equal.
"""

from typing import Any

from .campaigns import tell_campaign
from .differences import Difference, Pair, differences
from .features import tell_feature
from .flags import Flags
from .groups import tell_group, tell_holdout, tell_membership
from .kinds import KINDS, change
from .normal import canonical, digest, normal_form
from .parts import Change, tell, tell_reordered
from .words import compact, cut, news, printable

__all__ = ["KINDS", "compare", "digest", "normal_form", "printable"]

LISTS_OF_FLAGS = {"features", "campaigns", "groups", "campaignGroups", "holdouts"}
"""The top-level keys whose contents have words of their own."""


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """What changed from one settings document to another; ``{}`` stands for none at all.

    Each change is a dict: ``kind`` (one of ``KINDS``), ``feature`` (the key of the flag that it
    belongs to, or ""), ``path`` (a readable place in the document, with list items by their key
    or name), ``before`` and ``after`` (the JSON values there, None where there is nothing), and
    ``text``, a sentence of plain text on one line. The flags come in the order of their ids, what
    concerns no single flag comes last.
    """
    old, new = normal_form(before), normal_form(after)
    flags = Flags(old, new)
    changes = [_told(difference, flags, Pair(old, new)) for difference in differences(old, new)]
    order, kinds = flags.order(), list(KINDS)
    unique = {canonical(change): change for change in changes}
    return sorted(
        unique.values(),
        key=lambda change: (order.get(change["feature"], len(order)), kinds.index(change["kind"])),
    )


def _told(difference: Difference, flags: Flags, document: Pair) -> Change:
    match difference.shape:
        case ("features", None, *_):
            return tell_feature(difference, flags)
        case ("campaigns", None, *_):
            return tell_campaign(difference, flags)
        case ("groups", None, *_):
            return tell_group(difference, flags)
        case ("campaignGroups", _):
            return tell_membership(difference, flags)
        case ("holdouts", None, *_):
            return tell_holdout(difference, flags)
        case (key,) if not document.before and key not in LISTS_OF_FLAGS:
            return _first_settings(document.after)
        case _ if difference.reordered:
            return tell_reordered(difference, "", "")
    words = news(cut(" / ".join(difference.path)), difference.pair)
    return tell("other", "", difference, f"settings: {words}")


def _first_settings(document: dict[str, Any]) -> Change:
    """All that a first document has beside flags, in one."""
    rest = {key: value for key, value in document.items() if key not in LISTS_OF_FLAGS}
    text = ", ".join(f"{key} {compact(value)}" for key, value in rest.items())
    return change("other", "", ("settings",), Pair(None, rest), f"First settings: {text}")
