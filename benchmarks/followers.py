"""Forks processes that follow the settings, and prints each time that one has new ones.

A line is ``CLOCK PID SNAPSHOT``; the clock is the machine's monotonic one.
"""

import os
import signal
import sys
import time
from typing import Any

import django


def main(count: int) -> None:
    django.setup()
    from django_vwo_webhooks.sdk import load_sdk

    load_sdk()  # once, before the forks
    children = [_fork() for _ in range(count)]
    signal.signal(signal.SIGTERM, lambda *_: _end(children))
    for child in children:
        os.waitpid(child, 0)


def _fork() -> int:
    pid = os.fork()
    if pid == 0:
        from django_vwo_webhooks.client import get_client
        from django_vwo_webhooks.signals import settings_applied

        settings_applied.connect(_applied)
        get_client()
        while True:
            signal.pause()
    return pid


def _applied(snapshot: Any, **kwargs: Any) -> None:
    os.write(1, f"{time.monotonic()} {os.getpid()} {snapshot.pk}\n".encode())


def _end(children: list[int]) -> None:
    for child in children:
        os.kill(child, signal.SIGKILL)
    sys.exit()


if __name__ == "__main__":
    main(int(sys.argv[1]))
