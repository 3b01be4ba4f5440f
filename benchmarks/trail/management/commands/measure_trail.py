import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from benchmarks.trail.fill import fill
from benchmarks.trail.pages import read_pages
from benchmarks.trail.prune import prune


class Command(BaseCommand):
    help = "Fills an empty database with events, and measures the admin and vwo_prune."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("events", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        count, started = options["events"], time.perf_counter()
        fill(count)
        seconds = time.perf_counter() - started
        print(f"{count} events on {connection.display_name}, in {seconds:.0f} s", flush=True)
        read_pages()
        prune()
