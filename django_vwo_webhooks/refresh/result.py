from typing import Any, NamedTuple

from ..exceptions import RefreshFailed
from ..models import SettingsSnapshot


class RefreshResult(NamedTuple):
    """What a refresh brought to one caller."""

    attempt: int = 0
    """The number of the attempt that succeeded or failed; 0 where there was none to wait for."""

    snapshot: SettingsSnapshot | None = None
    """The snapshot in force; None where the attempt failed."""

    failure: RefreshFailed | None = None
    """Why the caller can't be told that it is in force here; None after a success."""

    failure_recorded: bool = False
    """Whether the rows that waited for the attempt have the failure as their outcome."""

    applied: SettingsSnapshot | None = None
    """The snapshot if this caller's thread applied it; None where it was applied already."""

    ran_here: bool = False
    """Whether this caller's thread ran the attempt."""

    changes: list[dict[str, Any]] | None = None
    """What the attempt changed; None where nothing changed, or where it did not run here."""

    events: tuple[int, ...] = ()
    """The ids of the rows that it finished, where a receiver wants them."""

    def in_force(self) -> SettingsSnapshot:
        """The snapshot that is in force here now. Raises ``RefreshFailed`` where none is."""
        if self.failure is not None or self.snapshot is None:
            raise self.failure or RefreshFailed("VWO's settings were not refreshed.")
        return self.snapshot
