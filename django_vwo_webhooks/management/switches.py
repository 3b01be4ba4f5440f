"""Kill switches in words, for the commands."""

from ..changes import printable
from ..models import KillSwitch
from ..models.clock import time_text


def describe(switch: KillSwitch) -> str:
    """One line: the flag, since when and until when, by whom and why."""
    since = f"since {time_text(switch.used_at)}"
    who, why = printable(switch.used_by), printable(switch.reason)
    return f"{printable(switch.flag)}, {since} {ending(switch)}, by {who}: {why}"


def ending(switch: KillSwitch) -> str:
    if switch.until is None:
        return "until it is released"
    return f"until {time_text(switch.until)}"
