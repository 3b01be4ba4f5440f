"""Prints the name and the version of the database in ``DATABASE_URL``."""

import django
from django.db import connection


def main() -> None:
    django.setup()
    version = ".".join(map(str, connection.get_database_version()))
    print(f"{connection.display_name} {version}")


if __name__ == "__main__":
    main()
