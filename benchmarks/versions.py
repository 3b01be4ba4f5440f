"""Prints on one line what is measured on: cores, Python, Django, SDK and database."""

import os
import platform
from importlib.metadata import version

import django
from django.db import connection


def main() -> None:
    django.setup()
    database_version = ".".join(map(str, connection.get_database_version()))
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"Django {django.get_version()}, VWO SDK {version('vwo-fme-python-sdk')}, "
        f"{connection.display_name} {database_version}"
    )


if __name__ == "__main__":
    main()
