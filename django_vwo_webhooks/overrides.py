"""The flags that a test has put in place of VWO's."""

from typing import Any

flags: dict[str, bool | dict[str, Any]] = {}
"""By flag key: whether it is on, or the variables of one that is on."""
