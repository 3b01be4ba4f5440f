"""What ``vwo_prune`` costs, and whether its batches become slower."""

import io
import statistics
import time
from collections import defaultdict

from django.core.management import call_command

from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent


def prune() -> None:
    for options in (["--dry-run"], []):
        before = WebhookEvent.objects.count() + SettingsSnapshot.objects.count()
        progress, started = Progress(), time.perf_counter()
        call_command("vwo_prune", *options, stdout=progress)
        seconds = time.perf_counter() - started
        gone = before - WebhookEvent.objects.count() - SettingsSnapshot.objects.count()
        print(f"{' '.join(['vwo_prune', *options])}: {gone} rows in {seconds:.1f} s", end="")
        print(f", {gone / seconds:.0f} rows/s" if gone else "")
        for name, batches in progress.batches.items():
            first, last = (1000 * statistics.median(ten) for ten in (batches[:10], batches[-10:]))
            print(
                f"  {name:17} {len(batches):5} batches: the first ten {first:.1f} ms each, the "
                f"last ten {last:.1f}, the slowest {1000 * max(batches):.1f}",
                flush=True,
            )


class Progress(io.StringIO):
    """A terminal for the command, which prints its progress there after each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: dict[str, list[float]] = defaultdict(list)
        """How many seconds each batch took, by what was deleted."""
        self._last = time.perf_counter()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        now = time.perf_counter()
        if text.endswith("\r"):
            self.batches[text.partition(":")[0]].append(now - self._last)
        self._last = now
        return super().write(text)
