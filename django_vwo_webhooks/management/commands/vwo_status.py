import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations

from django_vwo_webhooks.models.process import STALE_SECONDS
from django_vwo_webhooks.status import (
    FleetState,
    FleetStatus,
    describe_impressions,
    fleet_status,
)

POLL_SECONDS = 0.25


class Command(BaseCommand):
    help = (
        "Shows which settings are in force, which of them each process of the fleet runs, and how "
        "old they are. Exits with 0 if they are fresh, else with 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument(
            "--wait",
            type=float,
            metavar="SECONDS",
            help="Wait until every living process runs the settings in force, up to this long.",
        )

    @no_translations
    def handle(self, *, json: bool, wait: float | None, **options: Any) -> None:
        status = fleet_status() if wait is None else _wait(wait)
        self.stdout.write(_as_json(status) if json else _as_text(status))
        if wait is not None and status.behind:
            raise CommandError(f"Still waiting for {status.behind[0]}.")
        if status.state != FleetState.FRESH:
            raise CommandError(f"The settings are {status.state}. {status.error}".strip())


def _wait(seconds: float) -> FleetStatus:
    deadline = time.monotonic() + seconds
    while (status := fleet_status()).behind and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return status


def _as_json(status: FleetStatus) -> str:
    return json.dumps(status.as_json(), indent=2)


def _as_text(status: FleetStatus) -> str:
    since = f" since {status.since:%Y-%m-%d %H:%M:%S %Z}" if status.since else ""
    lines = [
        f"State: {status.state}{since}",
        f"Settings: {_settings(status)}",
        f"Last webhook: {_last_webhook(status)}",
        f"Refused webhooks: {_refused(status)}",
        f"Last error: {status.error or 'none'}",
        f"Impressions: {status.impressions or 'none waiting, none dropped'}",
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
    return (
        "none yet" if event is None else f"{event}, {event.last_received_at:%Y-%m-%d %H:%M:%S %Z}"
    )


def _refused(status: FleetStatus) -> str:
    refused = status.refused
    if not refused.count:
        return "none"
    source = f", the last one from {refused.remote_addr}" if refused.remote_addr else ""
    return (
        f"{refused.count} since {refused.since:%Y-%m-%d %H:%M:%S %Z}{source}: is the secret right?"
    )


def _process(process: Any) -> str:
    settings = "no settings" if process.snapshot_id is None else f"#{process.snapshot_id}"
    age = process.heartbeat_age_seconds
    stale = f", stale: no heartbeat for {age:.0f} s" if age >= STALE_SECONDS else ""
    impressions = describe_impressions(process.impressions_waiting, process.impressions_dropped)
    return f"{process}: {settings}{stale}{impressions and f', impressions: {impressions}'}"
