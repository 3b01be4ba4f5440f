"""The flags that kill switches have switched off, as this process knows them.

Evaluations ask here; ``kill_switch`` reads the database.
"""

import time
from collections.abc import Iterable
from math import inf

from ..models import KillSwitch
from ..models.clock import DatabaseClock


class SwitchedOff:
    """The kill switches in force for one owner; a forked child goes on with its parent's."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as for another owner: nothing is switched off until the next look."""
        self.ends_at: dict[str, float] = {}
        """When the switch of each flag ends, by the monotonic clock. It is replaced and never
        changed, so that no thread finds it half filled."""
        self.read_for: tuple[str, str] | None = None
        """The owner that they were read for; None before the first look."""
        self.version: int | None = None
        """The ``kill_switch_version`` of the lease row when they were read."""
        self._ends: list[tuple[KillSwitch, float]] = []

    def covers(self, flag: object) -> bool:
        """Whether this flag is switched off now."""
        # a key that is not a string may not be hashable
        ends_at = self.ends_at.get(flag) if isinstance(flag, str) else None
        return ends_at is not None and time.monotonic() < ends_at

    def note(self, switches: Iterable[KillSwitch], clock: DatabaseClock) -> None:
        """Keep these, and count down from what the database's clock says.

        None ends later than it would have before: a clock that is set back prolongs nothing.
        """
        before = {(each.pk, each.used_at): ends_at for each, ends_at in self._ends}
        self._ends = [
            (each, min(each.ends_at(clock), before.get((each.pk, each.used_at), inf)))
            for each in switches
        ]
        self.ends_at = {each.flag: ends_at for each, ends_at in self._ends}

    @property
    def switches(self) -> list[KillSwitch]:
        """Those that were in use when the database was read."""
        return [each for each, _ends_at in self._ends]

    @property
    def ended(self) -> list[KillSwitch]:
        """Those whose time has come to its end since."""
        now = time.monotonic()
        return [each for each, ends_at in self._ends if ends_at <= now]

    @property
    def due_seconds(self) -> float:
        """In how many seconds the next one ends; infinite where none does."""
        now = time.monotonic()
        return min((at - now for _each, at in self._ends if at > now), default=inf)


switched_off = SwitchedOff()


def forget_switches() -> None:
    """Begin anew, so that no test finds the switches of another."""
    switched_off.forget()
