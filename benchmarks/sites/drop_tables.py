"""Drops every table of the database in ``DATABASE_URL``."""

import django
from django.db import connection


def main() -> None:
    django.setup()
    quote = connection.ops.quote_name
    tables = connection.introspection.table_names()
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in tables:
            cascade = " CASCADE" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TABLE {quote(table)}{cascade}")


if __name__ == "__main__":
    main()
