"""Parses JSON as the standard defines it; Python's own parser also accepts NaN and infinities."""

import json
import math
from collections.abc import Callable
from typing import Any


def loads(raw: bytes, *, parse_int: Callable[[str], Any] = int) -> Any:
    """Parse one JSON document from its bytes (UTF-8, -16 or -32).

    ``parse_int`` makes a value of the digits of a whole number. Raises ``ValueError`` with a
    short description of what is wrong.
    """
    try:
        return json.loads(
            raw, parse_constant=_refuse_constant, parse_float=_finite, parse_int=parse_int
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"not {error.encoding} text at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at line {error.lineno} column {error.colno}") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is out of range")
    return number
