"""VWO's targeting segments in words.

What a segment may hold, and what it means, is what the SDK evaluates:
``wingify/packages/segmentation_evaluator``.
"""

import re
from typing import Any

from .differences import NOTHING
from .words import bare, compact

SUBJECTS = {
    "user": "user",
    "country": "country",
    "region": "region",
    "city": "city",
    "os": "operating system",
    "os_version": "operating system version",
    "browser_string": "browser",
    "browser_version": "browser version",
    "device": "device",
    "device_type": "device type",
    "ua": "user agent",
    "ip_address": "IP address",
}

OPERATORS = {
    "lower": "is {} in upper or lower case",
    "regex": "matches {}",
    "gt": "> {}",
    "gte": "≥ {}",
    "lt": "< {}",
    "lte": "≤ {}",
    "inlist": "is in list {}",
}

OPERAND = re.compile(r"(lower|regex|wildcard|inlist)\((.*)\)|(gte?|lte?)\(([\d.]+)\)", re.DOTALL)

WEB_CAMPAIGN = re.compile(r"(!?)(\d+)(?:_(!?)(\d+))?")

DEEPEST = 20
"""Below so many levels a segment is shown as JSON."""


def targeting(segments: Any) -> str:
    """Who is meant by the segments of a rule: no segments mean everybody."""
    return "everybody" if segments in (NOTHING, {}) else _words(segments, 0)


def whitelist(segments: Any) -> str:
    """Who is put into a variation by its segments: no segments mean nobody."""
    return "nobody" if segments in (NOTHING, {}) else _words(segments, 0)


def _words(node: Any, depth: int, *, nested: bool = False) -> str:
    """``nested`` is for a node that needs parentheses around an "and" or "or"."""
    if not isinstance(node, dict) or len(node) != 1 or depth > DEEPEST:
        return compact(node)
    [(operator, operand)] = node.items()
    if operator in ("and", "or") and isinstance(operand, list) and operand:
        if len(operand) == 1:
            return _words(operand[0], depth + 1, nested=nested)
        words = f" {operator} ".join(_words(one, depth + 1, nested=True) for one in operand)
        return f"({words})" if nested else words
    if operator == "not" and isinstance(operand, dict):
        return f"not ({_words(operand, depth + 1)})"
    return _condition(operator, operand) or compact(node)


def _condition(operator: str, operand: Any) -> str | None:
    """One condition in words, or None for one that nobody knows."""
    if operator == "custom_variable" and isinstance(operand, dict) and len(operand) == 1:
        [(name, value)] = operand.items()
        return f"{name} {_test(value)}"
    if operator == "featureId" and isinstance(operand, dict) and len(operand) == 1:
        [(number, value)] = operand.items()
        return f"flag {number} is {_plain(value)}"
    if operator == "campaignVariation":
        return _web_campaign(_plain(operand))
    if operator == "user" and isinstance(operand, str):
        return f"user is {' or '.join(user.strip() for user in operand.split(','))}"
    if operator in SUBJECTS:
        values = operand if isinstance(operand, list) and operand else [operand]
        return f"{SUBJECTS[operator]} {' or '.join(map(_test, values))}"
    return None


def _test(operand: Any) -> str:
    found = OPERAND.fullmatch(operand) if isinstance(operand, str) else None
    if not found:
        return f"is {_plain(operand)}"
    name, value = found[1] or found[3], _plain(found[2] if found[1] else found[4])
    return _wildcard(value) if name == "wildcard" else OPERATORS[name].format(value)


def _wildcard(pattern: str) -> str:
    verbs = {(True, True): "contains", (True, False): "ends with", (False, True): "starts with"}
    verb = verbs.get((pattern.startswith("*"), pattern.endswith("*")), "is")
    return f"{verb} {pattern.strip('*')}"


def _web_campaign(operand: str) -> str | None:
    found = WEB_CAMPAIGN.fullmatch(operand)
    if not found or (found[1] and found[4]):
        return None
    campaign = f"{'not ' if found[1] else ''}in web campaign {found[2]}"
    if not found[4]:
        return campaign
    return f"{campaign}, {'not ' if found[3] else ''}variation {found[4]}"


def _plain(value: Any) -> str:
    """A value as VWO writes it into a segment; the quotes around places mean nothing."""
    return bare(value).strip('"')
