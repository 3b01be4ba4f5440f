"""The changes from one settings document to another, described for product managers.

This package is pure: it uses neither the database nor the SDK. The data flows one way:

- ``normal`` keeps what is meaningful in a document, in a unique order;
- ``differences`` finds where two normal forms differ, with list items matched by id or key;
- ``features``, ``campaigns``, ``groups`` describe each difference as data. Differences that mean
  the same, such as a flag's status and the weight that changes with it, get the very same data;
- ``words`` makes sentences of the data when they are shown, in the language of the reader.

So the list of changes is empty if and only if the digests of the two documents are equal.
"""

from typing import Any

from .campaigns import describe_campaign
from .differences import Difference, differences
from .features import describe_feature
from .groups import describe_group, describe_holdout, describe_membership
from .index import FlagIndex
from .kinds import KINDS, change
from .normal import digest, normal_form
from .pairs import Pair
from .sentences import Change, describe_key, describe_reordered, form, say
from .text import cut, plain, printable, without_text_around
from .words import Words, brief, sentence, words

__all__ = [
    "KINDS",
    "Words",
    "brief",
    "compare",
    "digest",
    "normal_form",
    "printable",
    "sentence",
    "with_text",
    "without_text_around",
    "words",
]

LISTS_OF_FLAGS = {"features", "campaigns", "groups", "campaignGroups", "holdouts"}
"""The top-level keys that have modules of their own."""


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what changed from one settings document to another; ``{}`` stands for no document.

    Each change is a dict: ``kind`` (one of ``KINDS``), ``feature`` (the key of the flag that it
    belongs to, or ""), ``path`` (a readable place in the document, with list items by their key
    or name), ``before`` and ``after`` (the JSON values there, None where there is no value),
    ``values`` (what else the words for it need, see ``words``), and ``text``, a sentence of plain
    text on one line in the active language. The changes are ordered by the ids of their flags;
    those that are not specific to one flag come last.
    """
    old, new = normal_form(before), normal_form(after)
    index = FlagIndex(old, new)
    changes = [
        _described(difference, index, Pair(old, new)) for difference in differences(old, new)
    ]
    order, kinds = index.order(), list(KINDS)
    unique = {repr(change): change for change in changes}
    return with_text(
        sorted(
            unique.values(),
            key=lambda one: (order.get(one["feature"], len(order)), kinds.index(one["kind"])),
        )
    )


def with_text(changes: list[Change]) -> list[Change]:
    """Return the changes with their ``text`` in the active language."""
    return [{**change, "text": sentence(change)} for change in changes]


def _described(difference: Difference, index: FlagIndex, document: Pair) -> Change:
    match difference.shape:
        case ("features", None, *_):
            return describe_feature(difference, index)
        case ("campaigns", None, *_):
            return describe_campaign(difference, index)
        case ("groups", None, *_):
            return describe_group(difference, index)
        case ("campaignGroups", _):
            return describe_membership(difference, index)
        case ("holdouts", None, *_):
            return describe_holdout(difference, index)
        case (_,) if not document.before:
            return _first_settings(document.after)
        case _ if difference.reordered:
            return describe_reordered(difference, "", "")
    what = form("key", cut(" / ".join(difference.path)))
    return describe_key("other", "", difference, what, about=say("settings"))


def _first_settings(document: dict[str, Any]) -> Change:
    """Describe everything in a first document other than flags as one change."""
    rest = {key: value for key, value in document.items() if key not in LISTS_OF_FLAGS}
    account = rest.get("accountId")
    what = say("first_settings")
    if account is not None:
        what = say("first_settings_of", account=cut(plain(account)))
    return change("other", "", ("settings",), Pair(None, rest), what, "is")
