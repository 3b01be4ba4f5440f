"""Processes with a plain client that polls, and that print a line when they have other settings.

A line is ``MOMENT PID NUMBER``, as those of ``benchmarks.sites.followers``; the number is that in
the value of the flag's variable.
"""

import os
import sys
import time

import django

from .client import get_client

LOOK_EVERY_SECONDS = 0.005


def main(count: int) -> None:
    django.setup()
    for _ in range(count):
        if os.fork() == 0:
            _watch()
    sys.stdin.readline()
    os.killpg(0, 9)


def _watch() -> None:
    client, before = get_client(), ""
    while True:
        [variation] = client.original_settings["campaigns"][0]["variations"]
        [variable] = variation["variables"]
        if variable["value"] != before:
            before = variable["value"]
            number = before.rpartition(" ")[2]
            os.write(1, f"{time.monotonic()} {os.getpid()} {number}\n".encode())
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
