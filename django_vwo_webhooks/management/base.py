import math
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from ..connections import RUN_MIGRATE, lacks_table


class DatabaseCommand(BaseCommand):
    """A command that says what to run where the tables have not been migrated."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except Error as error:
            if lacks_table(error):
                raise CommandError(RUN_MIGRATE) from None
            raise


def number_of_seconds(text: str) -> float:
    """The type of an argument that is a time in seconds, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ArgumentTypeError(f"{text!r} should be a number of seconds, such as 30")
    return value
