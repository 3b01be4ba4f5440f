"""Backends that misbehave."""

import threading
import time

from django_vwo_webhooks.broadcast.local import LocalBroadcast
from tests.conftest import run_site


class Broken(LocalBroadcast):
    broken = True
    """An attribute of the class, so that a test can repair the process's own object."""

    def publish(self, channel):
        if self.broken:
            raise OSError("out of order")

    def listen(self, channel, timeout_seconds):
        if self.broken:
            raise OSError("out of order")
        return super().listen(channel, timeout_seconds)


class Hanging(LocalBroadcast):
    """Neither publishes nor subscribes before it is closed."""

    def __init__(self):
        super().__init__()
        self.closed = threading.Event()

    def publish(self, channel):
        self.closed.wait(30)

    def listen(self, channel, timeout_seconds):
        self.closed.wait(30)
        return False

    def close(self):
        self.closed.set()


class SlowToMake(LocalBroadcast):
    made = 0

    def __init__(self):
        super().__init__()
        time.sleep(0.1)
        type(self).made += 1


class ChangesWhileSubscribing(LocalBroadcast):
    """Another process stores a change just before this one has subscribed."""

    subscribed = False

    def listen(self, channel, timeout_seconds):
        if not self.subscribed:
            ran = run_site("from django_vwo_webhooks.refresh import *; refresh_settings()")
            assert ran.returncode == 0, ran.stderr
            self.subscribed = True
            super().listen(channel, 0)  # as if it had missed what was published before
            return False
        return super().listen(channel, timeout_seconds)
