import json
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from django_vwo_webhooks.known_flags import flags_not_at_vwo
from django_vwo_webhooks.management.base import DatabaseCommand, number_of_seconds
from django_vwo_webhooks.management.switches import describe
from django_vwo_webhooks.models import FleetProcess
from django_vwo_webhooks.models.clock import time_text
from django_vwo_webhooks.serializers import fleet_status_json
from django_vwo_webhooks.status import FleetStatus, describe_impressions, fleet_status

POLL_SECONDS = 0.25

MOST_KEYS = 20
"""How many flags are named on one line."""


class Command(DatabaseCommand):
    help = (
        "Shows which settings are in force, which of them each process of the fleet runs, and how "
        "old they are. Exits with 0 if they are fresh, else with 1; a kill switch in use "
        "is a state of its own and changes nothing about that."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument(
            "--wait",
            type=number_of_seconds,
            metavar="SECONDS",
            help="Wait, up to this long, until every living process runs the settings that were "
            "in force when the command began, or newer ones; there must be a process.",
        )
        parser.add_argument(
            "--processes",
            type=int,
            metavar="N",
            help="Require that N processes run them, or more; 1 with --wait, else 0.",
        )

    @no_translations
    def handle(
        self, *, json: bool, wait: float | None, processes: int | None, **options: Any
    ) -> None:
        if processes is None:
            processes = 0 if wait is None else 1
        status = fleet_status()
        late = status.behind
        if wait is not None:
            status, late = _wait(status, wait, processes)
        self.stdout.write(_as_json(status) if json else _as_text(status))
        if wait is not None and late:
            raise CommandError(f"Still waiting for {late[0]}.")
        current = len(status.alive) - len(late)
        if current < processes:
            raise CommandError(
                f"{current} of at least {processes} processes run these settings. A process is "
                "known once it has called get_client(), which a WSGI module may do at its start."
            )
        if not status.is_fresh:
            raise CommandError(f"The settings are {status.state}. {status.error}".strip())


def _wait(began: FleetStatus, seconds: float, processes: int) -> tuple[FleetStatus, list[Any]]:
    """The status once what was in force at ``began`` is in force everywhere, and who is late."""
    deadline = time.monotonic() + seconds
    status = began
    while True:
        late = status.behind_since(began)
        done = status.snapshot is not None and not late and len(status.alive) >= processes
        if done or time.monotonic() >= deadline:
            return status, late
        time.sleep(POLL_SECONDS)
        status = fleet_status()
        if began.snapshot is None:
            began = status


def _as_json(status: FleetStatus) -> str:
    flags = {"flags": {"not_at_vwo": flags_not_at_vwo(status.now)}}
    return json.dumps({**fleet_status_json(status), **flags}, indent=2)


def _as_text(status: FleetStatus) -> str:
    since = f" since {time_text(status.since)}" if status.since else ""
    lines = [
        f"State: {status.state}{since}",
        *(f"Switched off: {describe(switch)}" for switch in status.kill_switches),
        *(
            f"Not in force, of another SDK key: the kill switch of {describe(switch)}"
            for switch in status.foreign_kill_switches
        ),
        f"Settings: {_settings(status)}",
        f"Last webhook: {_last_webhook(status)}",
        f"Refused webhooks: {_refused(status)}",
        f"Last error: {status.error or 'none'}",
        f"Impressions: {status.impressions or 'none waiting, none dropped'}",
        f"Flags asked for, not at VWO: {_flags(flags_not_at_vwo(status.now))}",
        f"Processes: {status.summary}",
        *(f"  {_process(process)}" for process in status.processes),
    ]
    return "\n".join(lines)


def _settings(status: FleetStatus) -> str:
    if status.snapshot is None or status.refreshed_seconds is None:
        return "none yet"
    return f"{status.snapshot}, last fetched from VWO {status.refreshed_seconds:.0f} s ago"


def _last_webhook(status: FleetStatus) -> str:
    event = status.last_event
    return "none yet" if event is None else f"{event}, {time_text(event.last_received_at)}"


def _refused(status: FleetStatus) -> str:
    refused = status.refused
    if refused.since is None:
        return "none"
    source = f", the last one from {refused.remote_addr}" if refused.remote_addr else ""
    since = time_text(refused.since)
    return f"{refused.count} since {since}{source}: is the secret right?"


def _flags(keys: list[str]) -> str:
    more = f" and {len(keys) - MOST_KEYS} more" if len(keys) > MOST_KEYS else ""
    return f"{', '.join(keys[:MOST_KEYS])}{more}" or "none"


def _process(process: FleetProcess) -> str:
    settings = "no settings" if process.snapshot_id is None else f"#{process.snapshot_id}"
    age = process.heartbeat_age_seconds
    stale = f", stale: no heartbeat for {age:.0f} s" if process.is_stale else ""
    impressions = describe_impressions(process.impressions_waiting, process.impressions_dropped)
    return f"{process}: {settings}{stale}{impressions and f', impressions: {impressions}'}"
