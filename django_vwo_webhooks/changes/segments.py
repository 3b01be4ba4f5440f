"""VWO's targeting segments as text.

Their meaning is how the SDK evaluates them, in ``wingify/packages/segmentation_evaluator``.
"""

import re
from typing import Any

from .pairs import MISSING
from .text import compact, unquoted

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

MAX_SEGMENT_DEPTH = 20
"""Conditions that are nested more deeply than this are shown as JSON."""


def targeting(segments: Any) -> str:
    """Describe which users a rule applies to; without segments it applies to everybody."""
    return "everybody" if segments in (MISSING, {}) else _text(segments, 0)


def whitelist(segments: Any) -> str:
    """Describe which users are put into a variation; without segments nobody is."""
    return "nobody" if segments in (MISSING, {}) else _text(segments, 0)


def _text(node: Any, depth: int, *, nested: bool = False) -> str:
    """``nested`` means that an "and" or "or" needs parentheses around it."""
    if not isinstance(node, dict) or len(node) != 1 or depth > MAX_SEGMENT_DEPTH:
        return compact(node)
    [(operator, operand)] = node.items()
    if operator in ("and", "or") and isinstance(operand, list) and operand:
        if len(operand) == 1:
            return _text(operand[0], depth + 1, nested=nested)
        phrase = f" {operator} ".join(_text(one, depth + 1, nested=True) for one in operand)
        return f"({phrase})" if nested else phrase
    if operator == "not" and isinstance(operand, dict):
        return f"not ({_text(operand, depth + 1)})"
    return _condition(operator, operand) or compact(node)


def _condition(operator: str, operand: Any) -> str | None:
    """Describe one condition; None if it is unknown."""
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
    match = OPERAND.fullmatch(operand) if isinstance(operand, str) else None
    if not match:
        return f"is {_plain(operand)}"
    name, value = match[1] or match[3], _plain(match[2] if match[1] else match[4])
    return _wildcard(value) if name == "wildcard" else OPERATORS[name].format(value)


def _wildcard(pattern: str) -> str:
    verbs = {(True, True): "contains", (True, False): "ends with", (False, True): "starts with"}
    verb = verbs.get((pattern.startswith("*"), pattern.endswith("*")), "is")
    return f"{verb} {pattern.strip('*')}"


def _web_campaign(operand: str) -> str | None:
    match = WEB_CAMPAIGN.fullmatch(operand)
    if not match or (match[1] and match[4]):
        return None
    campaign = f"{'not ' if match[1] else ''}in web campaign {match[2]}"
    if not match[4]:
        return campaign
    return f"{campaign}, {'not ' if match[3] else ''}variation {match[4]}"


def _plain(value: Any) -> str:
    """Return a value of a segment, without the quotation marks that VWO puts around places."""
    return unquoted(value).strip('"')
