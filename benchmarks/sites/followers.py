"""Processes that follow the settings, and print a line each time that other settings are applied.

A line is ``MOMENT PID SNAPSHOT``; the moment is on the machine's monotonic clock. Run with a
number, it forks so many processes, which do nothing with ``--idle``; a gunicorn that runs
``application()`` has its workers do the same.
"""

import os
import signal
import sys
import time
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application


def main(count: int, *, idle: bool = False) -> None:
    django.setup()
    from django_vwo_webhooks.sdk import load_sdk

    load_sdk()  # once, before the forks
    children = [_fork(idle=idle) for _ in range(count)]
    if idle:
        print("forked", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: _end(children))
    for child in children:
        os.waitpid(child, 0)


def application() -> WSGIHandler:
    """The site, in a process that follows the settings from its start on."""
    site = get_wsgi_application()
    _follow()
    return site


def _fork(*, idle: bool) -> int:
    pid = os.fork()
    if pid == 0:
        if not idle:
            _follow()
        while True:
            signal.pause()
    return pid


def _follow() -> None:
    from django_vwo_webhooks.client import get_client
    from django_vwo_webhooks.signals import settings_applied

    settings_applied.connect(_print)
    get_client()


def _print(snapshot: Any, **kwargs: Any) -> None:
    os.write(1, f"{time.monotonic()} {os.getpid()} {snapshot.pk}\n".encode())


def _end(children: list[int]) -> None:
    for child in children:
        os.kill(child, signal.SIGKILL)
    sys.exit()


if __name__ == "__main__":
    main(int(sys.argv[1]), idle="--idle" in sys.argv)
