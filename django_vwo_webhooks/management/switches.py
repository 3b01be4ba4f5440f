"""Kill switches in words, for the commands."""

from ..changes import printable
from ..models import KillSwitch


def describe(switch: KillSwitch) -> str:
    """One line: the flag, since when and until when, by whom and why."""
    # a naive time, of a site without time zones, has no %Z
    since = f"{switch.used_at:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    who, why = printable(switch.used_by), printable(switch.reason)
    return f"{printable(switch.flag)}, since {since} {ending(switch)}, by {who}: {why}"


def ending(switch: KillSwitch) -> str:
    if switch.until is None:
        return "until it is released"
    return f"until {switch.until:%Y-%m-%d %H:%M:%S %Z}".rstrip()
