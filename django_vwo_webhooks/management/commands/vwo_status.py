import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_vwo_webhooks.models.process import STALE_SECONDS
from django_vwo_webhooks.status import FleetStatus, fleet_status

LOOK_AGAIN_SECONDS = 0.25


class Command(BaseCommand):
    help = (
        "Says which settings are in force in which process of the fleet, and how old they are. "
        "Ends with 0 when they are fresh, else with 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument(
            "--wait",
            type=float,
            metavar="SECONDS",
            help="Wait until every living process runs the newest settings, this long at most.",
        )

    def handle(self, *, json: bool, wait: float | None, **options: Any) -> None:
        status = fleet_status() if wait is None else self._wait(wait)
        if json:
            self.stdout.write(_dumps(status))
        else:
            self._write(status)
        if wait is not None and status.behind:
            raise CommandError(f"Still waiting for {status.behind[0]}.")
        if status.state != "fresh":
            raise CommandError(f"The settings are {status.state}. {status.error}".strip())

    def _wait(self, seconds: float) -> FleetStatus:
        deadline = time.monotonic() + seconds
        while (status := fleet_status()).behind and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_SECONDS)
        return status

    def _write(self, status: FleetStatus) -> None:
        since = f" since {status.since:%Y-%m-%d %H:%M:%S %Z}" if status.since else ""
        lines = [
            f"State: {status.state}{since}",
            f"Settings: {_age(status)}",
            f"Last webhook: {_last_webhook(status)}",
            f"Last error: {status.error or 'none'}",
            f"Processes: {status.summary}",
            *(f"  {_row(process)}" for process in status.processes),
        ]
        self.stdout.write("\n".join(lines))


def _age(status: FleetStatus) -> str:
    if status.snapshot is None or status.looked_seconds is None:
        return "none yet"
    return f"#{status.snapshot.pk}, as VWO served them {status.looked_seconds:.0f} s ago"


def _last_webhook(status: FleetStatus) -> str:
    event = status.last_event
    return (
        "none yet" if event is None else f"{event}, {event.last_received_at:%Y-%m-%d %H:%M:%S %Z}"
    )


def _row(process: Any) -> str:
    settings = "no settings" if process.snapshot_id is None else f"#{process.snapshot_id}"
    age = process.heartbeat_age_seconds
    stale = f", stale: no heartbeat for {age:.0f} s" if age >= STALE_SECONDS else ""
    return f"{process}: {settings}{stale}"


def _dumps(status: FleetStatus) -> str:
    return json.dumps(status.as_json(), indent=2)
