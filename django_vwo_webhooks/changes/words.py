"""The words for changes, made when they are shown, in the language that is active then.

A change keeps as data what its words need: ``values["what"]`` is a phrase, and a phrase is

- a text that reads the same in every language, such as a flag's key,
- ``{"say": name, …}``, one of ``PHRASES`` with what it names, which may be phrases again, or
- ``{"as": form, "value": value}``, a JSON value in one of ``forms.FORMS``.

``values["how"]`` is one of ``HOW``, "changed" or "is"; ``values["as"]`` is the form of the values
before and after. The values of a list that names other things have their ``names``.
"""

from typing import Any, NamedTuple

from django.utils.translation import gettext, pgettext

from .forms import FORMS
from .normal import canonical
from .pairs import MISSING, UNNAMED
from .phrases import HOW, PHRASES
from .text import (
    LONGEST_PHRASE,
    LONGEST_SENTENCE,
    LONGEST_VALUE,
    compact,
    cut,
    percent,
    quoted,
    transition,
    without_text_around,
)

Phrase = Any

LONGEST_HEADLINE = 2000
"""How much JSON the first change of a snapshot may be in lists of snapshots and events."""

WITH_COLON = {"targeting", "whitelist", "names", "shares"}
"""The forms that are too long to follow what they are about without a colon."""


class Words(NamedTuple):
    """A change in words, without its flag."""

    phrase: str
    """All of it."""
    what: str
    """What changed, without the values before and after."""
    before: str | None
    after: str | None
    """The values in words, as long as they are; None where there is none."""


def sentence(change: dict[str, Any]) -> str:
    """Return one line of plain text about a change; its ``text`` where that is all it has."""
    if "values" not in change:
        return cut(change.get("text", ""), LONGEST_SENTENCE)
    flag, values = cut(change["feature"]), change["values"]
    text = _phrase(change)
    if not flag:
        text = text[:1].upper() + text[1:]
    elif values.get("whole_flag"):
        text = f"{flag} {text}"
    else:
        text = f"{flag}: {text}"
    return cut(text, LONGEST_SENTENCE)


def words(change: dict[str, Any]) -> Words:
    """Return what a table shows of a change, in which a heading names its flag."""
    if "values" not in change:
        change = {"before": None, "after": None, **change, "values": _only(sentence(change))}
    values, how = change["values"], change["values"]["how"]
    phrase = cut(_phrase(change), LONGEST_SENTENCE)
    if "as" not in values:
        before, after = (_listed(values.get(side)) for side in ("was", "details"))
        return Words(phrase, _about(values, render(values["what"])), before, after)
    before, after = (_formed(change, change[side]) for side in ("before", "after"))
    return Words(
        phrase,
        phrase if how == "is" else _about(values, render(values["what"], change="")),
        None if how in ("added", "set", "set_without_effect") else before,
        None if how in ("removed", "unset", "unset_without_effect") else after,
    )


def brief(change: dict[str, Any]) -> dict[str, Any]:
    """Return what the sentence needs of a change, and less where it has long values."""
    if "values" not in change:
        return {"feature": change["feature"], "text": sentence(change)}
    values, how = change["values"], change["values"]["how"]
    needed = {"kind": change["kind"], "feature": change["feature"], "values": values}
    if how != "is":
        needed.update(before=change["before"], after=change["after"])
    if len(canonical(needed)) <= LONGEST_HEADLINE:
        return needed
    rest = {key: values[key] for key in ("what", "about", "whole_flag") if key in values}
    rest["how"] = "is" if how == "is" else "changed_much"
    return {**needed, "values": rest, "before": None, "after": None}


def render(phrase: Phrase, **more: str) -> str:
    """Return a phrase in words; ``change`` is where its values before and after belong."""
    if not isinstance(phrase, dict):
        return gettext("(unnamed)") if phrase == UNNAMED else str(phrase)
    if "as" in phrase:
        return FORMS[phrase["as"]](phrase["value"])
    named = {
        name: value if isinstance(value, int) else render(value)
        for name, value in phrase.items()
        if name != "say"
    }
    return str(PHRASES[phrase["say"]] % {"change": "", **named, **more})


def _only(text: str) -> dict[str, Any]:
    return {"what": text, "how": "is", "as": "value"}


def _phrase(change: dict[str, Any]) -> str:
    values, how, what = change["values"], change["values"]["how"], change["values"]["what"]
    if how == "is":
        details = _listed(values.get("details"))
        text = render(what)
        return _about(values, f"{text}: {details}" if details else text)
    if how == "changed":
        return _about(values, _changed(change))
    value = change["after"] if how in ("added", "set", "set_without_effect") else change["before"]
    value = "" if how == "changed_much" else cut(_formed(change, value), _longest(values["as"]))
    return _about(values, str(HOW[how] % {"what": render(what), "value": value}))


def _changed(change: dict[str, Any]) -> str:
    """Return what changed with its values before and after."""
    values, before, after = change["values"], change["before"], change["after"]
    form, what = values["as"], values["what"]
    if form == "shares":
        text = _shares_changed(change)
    else:
        one, other = (_formed(change, side) for side in (before, after))
        if one == other:
            same = gettext("%(what)s: %(value)s as before, only written differently")
            return same % {"what": render(what), "value": cut(one, _longest(form))}
        long = max(len(one), len(other)) > LONGEST_VALUE
        if long and form in ("value", "json"):
            text = _changed_inside(before, after, form) or transition(one, other)
        else:
            text = transition(one, other, _longest(form))
    if "type" in values:
        text += " " + gettext("(type %(change)s)") % {"change": transition(*values["type"])}
    separator = ": " if form in WITH_COLON and "about" not in values else " "
    if isinstance(what, dict) and what.get("say") in ("value_in", "type_in"):
        return render(what, change=separator + text)
    return render(what) + separator + text


def _changed_inside(before: Any, after: Any, form: str) -> str | None:
    """Return the only place in two long JSON values that differs, or that they do; else None."""
    if form == "json":
        before, after = without_text_around(before), without_text_around(after)
    if not isinstance(before, dict | list) or not isinstance(after, dict | list):
        return None
    way = []
    while (step := _only_step(before, after)) is not None:
        way.append(str(step))
        before, after = before[step], after[step]
    if not way or max(len(compact(side)) for side in (before, after)) > LONGEST_VALUE:
        return gettext("changed")
    return f"({cut(' / '.join(way))}) {transition(quoted(before), quoted(after))}"


def _only_step(before: Any, after: Any) -> Any:
    """Return the only key or index at which two JSON values differ, None where there are more."""
    if isinstance(before, dict) and isinstance(after, dict):
        if before.keys() != after.keys():
            return None
        steps = [key for key in before if before[key] != after[key]]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        steps = [place for place, item in enumerate(before) if item != after[place]]
    else:
        return None
    return steps[0] if len(steps) == 1 else None


def _shares_changed(change: dict[str, Any]) -> str:
    """Return ``Default 50 % → 20 %, Variation-1 50 % → 80 %``."""
    before, after = change["before"], change["after"]
    parts = []
    for one in {**before, **after}:
        what, share = _named(change, one), [side.get(one, MISSING) for side in (before, after)]
        if share[0] is MISSING:
            parts.append(HOW["set"] % {"what": what, "value": percent(share[1])})
        elif share[1] is MISSING:
            parts.append(HOW["unset"] % {"what": what, "value": percent(share[0])})
        elif canonical(share[0]) != canonical(share[1]):
            parts.append(f"{what} {transition(percent(share[0]), percent(share[1]))}")
    return ", ".join(map(str, parts))


def _formed(change: dict[str, Any], value: Any) -> str:
    """Return a value of a change in words, as long as they are."""
    form = change["values"]["as"]
    if form == "names":
        if not isinstance(value, list):
            return quoted(value)
        return ", ".join(_named(change, one) for one in value) or pgettext("list", "none")
    if form == "shares":
        shares = value if isinstance(value, dict) else {}
        return ", ".join(f"{_named(change, one)} {percent(shares[one])}" for one in shares)
    return FORMS[form](value)


def _named(change: dict[str, Any], item: Any) -> str:
    key = item if isinstance(item, str) else canonical(item)
    name = change["values"].get("names", {}).get(key)
    return cut(key) if name is None else render(name)


def _listed(phrases: list[Phrase] | None) -> str | None:
    return ", ".join(map(render, phrases)) if phrases else None


def _about(values: dict[str, Any], phrase: str) -> str:
    return f"{render(values['about'])}: {phrase}" if "about" in values else phrase


def _longest(form: str) -> int:
    return LONGEST_PHRASE if form in WITH_COLON else LONGEST_VALUE
