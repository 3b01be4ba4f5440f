"""The state of the fleet as the database has it, for the command and for the admin."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from operator import itemgetter
from typing import NamedTuple

from django.db.models import Max, TextChoices
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from .conf import app_settings
from .models import FleetProcess, KillSwitch, RefreshLease, SettingsSnapshot, WebhookEvent
from .models.process import DropReason

STALE_AFTER = 1.5
"""How many times ``RECONCILE_SECONDS`` may pass without a refresh before settings are stale."""


ALARM_AFTER_SECONDS = 60.0
"""How long refreshes may fail, or a process may be behind, before somebody should look."""


class FleetState(TextChoices):
    FRESH = "fresh", _("fresh")
    SWITCHED_OFF = "switched_off", _("flags switched off")
    STALE = "stale", _("stale")
    FAILING = "failing", _("failing")


@dataclass(frozen=True)
class RefusedDeliveries:
    """What the fleet has refused since it accepted a delivery, by the database's clock."""

    count: int = 0
    since: datetime | None = None
    last_at: datetime | None = None
    remote_addr: str | None = None
    """The address that the last one came from, if it may be stored."""


class FleetStatus(NamedTuple):
    state: FleetState
    """``failing`` if the newest refresh failed, ``stale`` if none succeeded for too long; else
    ``switched_off`` if a kill switch is in use."""
    now: datetime
    """When this was read, by the database's clock, of which all these times are."""
    since: datetime | None
    error: str
    snapshot: SettingsSnapshot | None
    """The snapshot in force."""
    refreshed_seconds: float | None
    """How long ago the settings were last fetched from VWO; None before the first refresh."""
    last_event: WebhookEvent | None
    processes: list[FleetProcess]
    """``FleetProcess`` rows, each with its ``heartbeat_age_seconds``."""
    refused: RefusedDeliveries
    """The deliveries that the fleet has refused since any process accepted one."""
    kill_switches: list[KillSwitch]
    """Those in use, the newest first."""
    foreign_kill_switches: list[KillSwitch]
    """Those of another SDK key that would be in use: they switch nothing off here."""
    kill_switch_version: int
    """What a process reports that has read them as they are now."""

    @property
    def is_fresh(self) -> bool:
        """Whether the settings in force are as fresh as they should be."""
        return self.state in (FleetState.FRESH, FleetState.SWITCHED_OFF)

    @property
    def alive(self) -> list[FleetProcess]:
        return [process for process in self.processes if not process.is_stale]

    @property
    def stale(self) -> list[FleetProcess]:
        """The processes without a recent heartbeat, most of which were killed."""
        return [process for process in self.processes if process.is_stale]

    @property
    def behind(self) -> list[FleetProcess]:
        """The living processes that do not run the snapshot in force."""
        in_force = self.snapshot and self.snapshot.pk
        return [process for process in self.alive if process.snapshot_id != in_force]

    def behind_since(self, began: "FleetStatus") -> list[FleetProcess]:
        """The living processes that do not run what was in force at ``began``, or newer settings.

        While settings change all the time, hardly any process runs the newest ones.
        """
        in_force = began.snapshot and began.snapshot.pk
        return [
            process
            for process in self.behind
            # what is applied is always what is in force at that moment
            if process.snapshot_id != in_force
            and (process.applied_at is None or process.applied_at < began.now)
        ]

    @property
    def is_healthy(self) -> bool:
        """Whether nobody needs to look: one failed refresh is no alarm, since it is retried."""
        if self.state == FleetState.STALE or self.snapshot is None:
            return False
        allowed = timedelta(seconds=ALARM_AFTER_SECONDS)
        if self.state == FleetState.FAILING and self.since and self.now - self.since > allowed:
            return False
        return not self.behind or self.now - self.snapshot.created_at <= allowed

    @property
    def slowest_seconds(self) -> float | None:
        """How long after it was stored the snapshot in force reached the last process."""
        if self.snapshot is None:
            return None
        lags = [
            process.lag_seconds(self.snapshot.created_at)
            for process in self.alive
            if process.snapshot_id == self.snapshot.pk
            # a process that started later found the snapshot at its start
            and process.followed
        ]
        return max((lag for lag in lags if lag is not None), default=None)

    @property
    def summary(self) -> str:
        """For example "12 of 12 on #57, slowest 0.8 s"."""
        alive = len(self.alive)
        if self.snapshot is None:
            return ngettext(
                "%d process, no settings yet", "%d processes, no settings yet", alive
            ) % alive  # fmt: skip
        text = gettext("%(current)d of %(alive)d on %(snapshot)s") % {
            "current": alive - len(self.behind),
            "alive": alive,
            "snapshot": self.snapshot,
        }
        slowest = self.slowest_seconds
        if slowest is None:
            return text
        return gettext("%(processes)s, slowest %(seconds)s s") % {
            "processes": text,
            "seconds": number_format(max(slowest, 0), 1),
        }

    @property
    def impressions_waiting(self) -> int:
        """How many impressions the living processes have not sent to VWO yet."""
        return sum(process.impressions_waiting for process in self.alive)

    @property
    def impressions_dropped(self) -> dict[str, int]:
        """How many the processes have dropped since they started, by ``DropReason``."""
        dropped: Counter[str] = Counter()
        for process in self.processes:
            dropped.update(process.impressions_dropped)
        return dict(dropped)

    @property
    def impressions(self) -> str:
        """For example "3 waiting, 2 dropped (refused by VWO: 2)"; empty where all were sent."""
        return describe_impressions(self.impressions_waiting, self.impressions_dropped)


def describe_impressions(waiting: int, dropped: dict[str, int]) -> str:
    """For example "3 waiting, 2 dropped (refused by VWO: 2)"; empty where both are zero."""
    parts = [gettext("%d waiting") % waiting] if waiting else []
    reasons = [(label, dropped[value]) for value, label in DropReason.choices if dropped.get(value)]
    if reasons:
        total = gettext("%d dropped") % sum(number for _label, number in reasons)
        each = ", ".join(f"{label}: {number}" for label, number in reasons)
        parts.append(f"{total} ({each})")
    return ", ".join(parts)


def _refused(processes: list[FleetProcess]) -> RefusedDeliveries:
    """What the processes have refused since the last delivery that any of them accepted."""
    refusing = [
        (process.refused_last_at, process.refused_since, process)
        for process in processes
        if process.refused and process.refused_last_at and process.refused_since
    ]
    if refusing:
        first = min(last_at for last_at, _since, _process in refusing)
        events = WebhookEvent.objects.ours().delivered_since(first)
        accepted_at = events.aggregate(at=Max("last_received_at"))["at"]
        refusing = [row for row in refusing if not accepted_at or row[0] > accepted_at]
    if not refusing:
        return RefusedDeliveries()
    last_at, _since, last = max(refusing, key=itemgetter(0))
    return RefusedDeliveries(
        count=sum(process.refused for _last_at, _since, process in refusing),
        since=min(since for _last_at, since, _process in refusing),
        last_at=last_at,
        remote_addr=last.refused_addr,
    )


def fleet_status() -> FleetStatus:
    """What the database knows of this site's fleet, in five statements, or six after refusals."""
    lease = RefreshLease.objects.read()
    refreshed = None if lease.refreshed_seconds == inf else lease.refreshed_seconds
    planned = app_settings.reconcile_seconds
    state, since_seconds = FleetState.FRESH, refreshed
    if lease.failing_seconds is not None:
        state, since_seconds = FleetState.FAILING, lease.failing_seconds
    elif refreshed is None:
        state = FleetState.STALE
    elif not 0 <= refreshed <= STALE_AFTER * planned:
        # it is negative where the database's clock was set back
        state, since_seconds = FleetState.STALE, max(0.0, refreshed - planned)
    now = lease.clock.now()
    in_use = KillSwitch.objects.in_use()
    kill_switches = [switch for switch in in_use if switch.is_ours]
    if kill_switches and state == FleetState.FRESH:
        state = FleetState.SWITCHED_OFF
    processes = list(FleetProcess.objects.ours().with_heartbeat_age().order_by("host", "pid"))
    since = None if since_seconds is None else now - timedelta(seconds=since_seconds)
    return FleetStatus(
        state=state,
        now=now,
        since=kill_switches[-1].used_at if state == FleetState.SWITCHED_OFF else since,
        error=lease.error,
        snapshot=SettingsSnapshot.objects.defer("settings", "changes").in_force(),
        refreshed_seconds=refreshed,
        last_event=WebhookEvent.objects.ours().defer("payload").order_by("-received_at").first(),
        processes=processes,
        refused=_refused(processes),
        kill_switches=kill_switches,
        foreign_kill_switches=[switch for switch in in_use if not switch.is_ours],
        kill_switch_version=lease.kill_switch_version,
    )
