"""The variables of a flag: VWO's types and Python's values."""

import json
import math
from typing import Any

TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "double",
    str: "string",
    dict: "json",
}


def variable_type(value: object) -> str:
    """Return VWO's name for the type of a value; raises ``TypeError`` when it has none."""
    try:
        return TYPES[type(value)]
    except KeyError:
        raise TypeError(
            f"A VWO variable is a bool, int, float, str or dict (json), not {type(value).__name__}"
        ) from None


def new_variable(key: str, value: object, number: int) -> dict[str, Any]:
    """Return the entry of a variable with the id ``number``, typed by its value."""
    return {"id": number, "key": key, "type": variable_type(value), "value": value}


def set_variable(variables: list[dict[str, Any]], key: str, value: object) -> None:
    """Give the variable ``key`` a value in this list of entries, adding it when unknown.

    A double stays a double for a whole number, and a json one stays json for a text.
    """
    for entry in variables:
        if entry["key"] == key:
            kept = (entry["type"], variable_type(value)) in {
                ("double", "integer"),
                ("json", "string"),
            }
            entry.update(type=entry["type"] if kept else variable_type(value), value=value)
            return
    numbers = [entry["id"] for entry in variables if isinstance(entry["id"], int)]
    variables.append(new_variable(key, value, max(numbers, default=0) + 1))


def to_text(value: object) -> str:
    """Return a variable's value as a person would type it into a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def from_text(text: str, kind: str) -> Any:
    """Read a value of the VWO type ``kind`` from a form; raises ``ValueError``."""
    if kind == "boolean":
        if text not in {"true", "false"}:
            raise ValueError(f"{text!r} is neither true nor false")
        return text == "true"
    if kind == "integer":
        return int(text)
    if kind == "double":
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text!r} is no finite number")
        return number
    if kind == "json":
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError(f"{text!r} is no JSON object")
        return value
    return text
