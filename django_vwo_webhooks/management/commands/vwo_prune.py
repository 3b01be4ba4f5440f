import argparse
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from django_vwo_webhooks.conf import LONGEST_DAYS, RETENTION_KEYS, app_settings
from django_vwo_webhooks.management.base import DatabaseCommand
from django_vwo_webhooks.models import Flag, KillSwitch, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.models.clock import time_text
from django_vwo_webhooks.models.pruning import Expired


class Command(DatabaseCommand):
    help = (
        "Deletes events, snapshots, and kill switches that have ended, which are older than "
        'VWO_WEBHOOKS["RETENTION_DAYS"]. The snapshot in force is kept, and so are those that a '
        "process runs or a kept event points to."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=_days,
            action="append",
            default=[],
            metavar="[OUTCOME=]N",
            help="Keep everything for N days, regardless of the settings; with changed=, "
            "unchanged= or failed= in front, keep events with that outcome for N days. May be "
            "given several times: --days 30 --days failed=365. The last hour is always kept.",
        )
        parser.add_argument(
            "--keep-last",
            type=_number,
            default=0,
            metavar="N",
            help="Keep the newest N events, regardless of their age.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what would be deleted, and delete nothing."
        )

    def handle(
        self,
        *,
        days: list[tuple[str, int]],
        keep_last: int,
        dry_run: bool,
        verbosity: int,
        **options: Any,
    ) -> None:
        given = dict(days)
        kept = {"default": given.pop("")} if "" in given else app_settings.retention_days
        expired = Expired({**kept, **given}, keep_last)
        self.dry_run, self.verbosity = dry_run, verbosity
        events = WebhookEvent.objects.all()
        snapshots = SettingsSnapshot.objects.only("pk")
        try:
            for outcome, limit in expired.events_before.items():
                self._prune(f"{outcome} events", events, expired.events(outcome), limit)
            limit = expired.others_before
            self._prune("snapshots", snapshots, expired.snapshots(), limit)
            switches, flags = KillSwitch.objects.all(), Flag.objects.all()
            self._prune("kill switches", switches, expired.kill_switches(), limit)
            self._prune("flags asked for", flags, expired.flags(), limit)
        except KeyboardInterrupt:
            if self._shows_progress:
                self.stdout.write()
            raise CommandError(
                "Stopped after the rows that are counted above; the next run does the rest.",
                returncode=130,
            ) from None

    def _prune(
        self, what: str, rows: QuerySet[Any], batches: Iterator[list[Any]], limit: datetime
    ) -> None:
        count = 0
        for batch in batches:
            count += len(batch) if self.dry_run else _delete(rows.filter(pk__in=batch))
            if self._shows_progress:
                self.stdout.write(f"{self._count(what, count)}\r", ending="")
                self.stdout.flush()
        if self.verbosity:
            self.stdout.write(f"{self._count(what, count)}, older than {time_text(limit)}")

    @property
    def _shows_progress(self) -> bool:
        return self.verbosity > 0 and self.stdout.isatty()

    def _count(self, what: str, count: int) -> str:
        return f"{what}: {count} {'would be deleted' if self.dry_run else 'deleted'}"


def _delete(rows: QuerySet[Any]) -> int:
    """Delete in one transaction; events in one statement, since no rows refer to them."""
    _total, by_model = rows.delete()
    return by_model.get(rows.model._meta.label, 0)


def _days(text: str) -> tuple[str, int]:
    """Parse "30" as ("", 30), and "failed=365" as ("failed", 365)."""
    outcome, equals, number = text.rpartition("=")
    if equals and outcome not in RETENTION_KEYS:
        known = ", ".join(sorted(RETENTION_KEYS))
        raise argparse.ArgumentTypeError(f"{outcome!r} is not one of {known}")
    days = _number(number)
    if days > LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"{days} is more than {LONGEST_DAYS} days")
    return outcome, days


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
