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
