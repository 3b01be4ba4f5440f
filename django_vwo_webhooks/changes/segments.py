"""VWO's targeting segments as text.

Their meaning is how the SDK evaluates them, in ``wingify/packages/segmentation_evaluator``.
"""

import re
from typing import Any

from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from .text import compact, on_or_off, plain

SUBJECTS = {
    "user": pgettext_lazy("targeting", "user"),
    "country": pgettext_lazy("targeting", "country"),
    "region": pgettext_lazy("targeting", "region"),
    "city": pgettext_lazy("targeting", "city"),
    "os": _("operating system"),
    "os_version": _("operating system version"),
    "browser_string": pgettext_lazy("targeting", "browser"),
    "browser_version": _("browser version"),
    "device": pgettext_lazy("targeting", "device"),
    "device_type": _("device type"),
    "ua": _("user agent"),
    "ip_address": _("IP address"),
}

TESTS: dict[str, Any] = {
    "lower": _("is %(value)s in upper or lower case"),
    "regex": _("matches %(value)s"),
    "gt": "> %(value)s",
    "gte": "≥ %(value)s",
    "lt": "< %(value)s",
    "lte": "≤ %(value)s",
    "inlist": _("is in list %(value)s"),
}

WILDCARDS: dict[tuple[bool, bool], Any] = {
    (True, True): _("contains %(value)s"),
    (True, False): _("ends with %(value)s"),
    (False, True): _("starts with %(value)s"),
}

OPERAND = re.compile(r"(lower|regex|wildcard|inlist)\((.*)\)|(gte?|lte?)\(([\d.]+)\)", re.DOTALL)

WEB_CAMPAIGN = re.compile(r"(!?)(\d+)(?:_(!?)(\d+))?")

MAX_SEGMENT_DEPTH = 20
"""Conditions that are nested more deeply than this are shown as JSON."""


def targeting(segments: Any) -> str:
    """Describe which users a rule applies to; without segments it applies to everybody."""
    return pgettext("targeting", "everybody") if segments == {} else _text(segments, 0)


def whitelist(segments: Any) -> str:
    """Describe which users are put into a variation; without segments nobody is."""
    return pgettext("targeting", "nobody") if segments == {} else _text(segments, 0)


def _text(node: Any, depth: int, *, nested: bool = False) -> str:
    """``nested`` means that an "and" or "or" needs parentheses around it."""
    if not isinstance(node, dict) or len(node) != 1 or depth > MAX_SEGMENT_DEPTH:
        return compact(node)
    [(operator, operand)] = node.items()
    if operator in ("and", "or") and isinstance(operand, list) and operand:
        if len(operand) == 1:
            return _text(operand[0], depth + 1, nested=nested)
        parts = [_text(one, depth + 1, nested=True) for one in operand]
        phrase = _and(parts) if operator == "and" else _or(parts)
        return f"({phrase})" if nested else phrase
    if operator == "not" and isinstance(operand, dict):
        return gettext("not (%(condition)s)") % {"condition": _text(operand, depth + 1)}
    return _condition(operator, operand) or compact(node)


def _condition(operator: str, operand: Any) -> str | None:
    """Describe one condition; None if it is unknown."""
    if operator == "custom_variable" and isinstance(operand, dict) and len(operand) == 1:
        [(name, value)] = operand.items()
        return f"{name} {_test(value)}"
    if operator == "featureId" and isinstance(operand, dict) and len(operand) == 1:
        [(number, value)] = operand.items()
        switch = {"on": True, "off": False}.get(_plain(value).lower())
        state = _plain(value) if switch is None else on_or_off(switch)
        return gettext("flag %(number)s is %(state)s") % {"number": number, "state": state}
    if operator == "campaignVariation":
        return _web_campaign(_plain(operand))
    if operator == "user" and isinstance(operand, str):
        return f"{SUBJECTS['user']} {_is(_or([user.strip() for user in operand.split(',')]))}"
    if operator in SUBJECTS:
        values = operand if isinstance(operand, list) and operand else [operand]
        return f"{SUBJECTS[operator]} {_or([_test(value) for value in values])}"
    return None


def _test(operand: Any) -> str:
    match = OPERAND.fullmatch(operand) if isinstance(operand, str) else None
    if not match:
        return _is(_plain(operand))
    name, value = match[1] or match[3], _plain(match[2] if match[1] else match[4])
    return _wildcard(value) if name == "wildcard" else str(TESTS[name] % {"value": value})


def _wildcard(pattern: str) -> str:
    test = WILDCARDS.get((pattern.startswith("*"), pattern.endswith("*")))
    value = pattern.strip("*")
    return _is(value) if test is None else str(test % {"value": value})


def _web_campaign(operand: str) -> str | None:
    match = WEB_CAMPAIGN.fullmatch(operand)
    if not match or (match[1] and match[4]):
        return None
    values = {"campaign": match[2], "variation": match[4]}
    if match[1]:
        return gettext("not in web campaign %(campaign)s") % values
    if not match[4]:
        return gettext("in web campaign %(campaign)s") % values
    if match[3]:
        return gettext("in web campaign %(campaign)s, not variation %(variation)s") % values
    return gettext("in web campaign %(campaign)s, variation %(variation)s") % values


def _is(value: str) -> str:
    return gettext("is %(value)s") % {"value": value}


def _and(parts: list[str]) -> str:
    conjunction = pgettext("targeting", "and")
    return f" {conjunction} ".join(parts)


def _or(parts: list[str]) -> str:
    conjunction = pgettext("targeting", "or")
    return f" {conjunction} ".join(parts)


def _plain(value: Any) -> str:
    """Return a value of a segment, without the quotation marks that VWO puts around places."""
    return plain(value).strip('"')
