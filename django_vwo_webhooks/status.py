"""How the fleet is: one look at the database, for the command and for the admin."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from .conf import app_settings
from .models import FleetProcess, RefreshLease, SettingsSnapshot, WebhookEvent
from .models.process import STALE_SECONDS

LATE = 1.5
"""How many ``RECONCILE_SECONDS`` may pass without a look at VWO before settings are stale."""


@dataclass(frozen=True)
class FleetStatus:
    state: str
    """``fresh``, ``stale`` (nobody has looked at VWO for too long) or ``failing``."""
    since: datetime | None
    error: str
    snapshot: SettingsSnapshot | None
    looked_seconds: float | None
    last_event: WebhookEvent | None
    processes: list[Any]
    """``FleetProcess`` rows, each with its ``heartbeat_age_seconds``."""

    @property
    def alive(self) -> list[Any]:
        return [process for process in self.processes if not _is_stale(process)]

    @property
    def stale(self) -> list[Any]:
        """The processes without a recent heartbeat, most of them killed."""
        return [process for process in self.processes if _is_stale(process)]

    @property
    def behind(self) -> list[Any]:
        """The living processes that do not run the newest snapshot."""
        newest = self.snapshot and self.snapshot.pk
        return [process for process in self.alive if process.snapshot_id != newest]

    @property
    def slowest_seconds(self) -> float | None:
        """How long after it was stored the newest snapshot reached the last process."""
        if self.snapshot is None:
            return None
        lags = [
            process.lag_seconds(self.snapshot.created_at)
            for process in self.alive
            if process.snapshot_id == self.snapshot.pk
            # a process that started later took it at its start
            and process.followed
        ]
        return max((lag for lag in lags if lag is not None), default=None)

    @property
    def summary(self) -> str:
        """As in "12 of 12 on #57, slowest 0.8 s"."""
        if self.snapshot is None:
            return f"{len(self.alive)} processes, no settings yet"
        current = len(self.alive) - len(self.behind)
        text = f"{current} of {len(self.alive)} on #{self.snapshot.pk}"
        slowest = self.slowest_seconds
        return text if slowest is None else f"{text}, slowest {max(slowest, 0):.1f} s"

    def as_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "since": self.since and self.since.isoformat(),
            "error": self.error,
            "snapshot": self.snapshot and self.snapshot.pk,
            "looked_seconds": self.looked_seconds,
            "last_webhook": self.last_event and self.last_event.last_received_at.isoformat(),
            "processes": [
                {
                    "host": process.host,
                    "pid": process.pid,
                    "kind": process.kind,
                    "snapshot": process.snapshot_id,
                    "heartbeat_age_seconds": round(process.heartbeat_age_seconds, 1),
                    "alive": not _is_stale(process),
                }
                for process in self.processes
            ],
        }


def _is_stale(process: Any) -> bool:
    return bool(process.heartbeat_age_seconds >= STALE_SECONDS)


def fleet_status() -> FleetStatus:
    """What the database knows of this site's fleet, in four statements."""
    lease = RefreshLease.objects.look()
    looked = None if lease.looked_seconds == float("inf") else lease.looked_seconds
    state, ago = "fresh", looked
    if lease.failing_seconds is not None:
        state, ago = "failing", lease.failing_seconds
    elif looked is None:
        state = "stale"
    elif not 0 <= looked <= LATE * app_settings.reconcile_seconds:
        # less than 0 where the database's clock was set back
        state, ago = "stale", max(0.0, looked - app_settings.reconcile_seconds)
    return FleetStatus(
        state=state,
        since=None if ago is None else timezone.now() - timedelta(seconds=ago),
        error=lease.error,
        snapshot=SettingsSnapshot.objects.defer("settings", "changes").newest(),
        looked_seconds=looked,
        last_event=WebhookEvent.objects.ours().defer("payload").order_by("-received_at").first(),
        processes=list(FleetProcess.objects.ours().with_heartbeat_age().order_by("host", "pid")),
    )
