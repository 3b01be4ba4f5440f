"""Workers are killed at random while VWO goes on sending changes; KILL_SECONDS says how long."""

import contextlib
import http.client
import os
import random
import signal
import time
from collections import Counter

import pytest

from django_vwo_webhooks.models import WebhookEvent
from tests.conftest import configure, wait_until
from tests.servers.running import LIBRARIES, THREADS, colors, gunicorn, page, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SECONDS = float(os.environ.get("KILL_SECONDS", "8"))
WORKERS = 4
COMMAND = gunicorn(WORKERS, *THREADS, *LIBRARIES, "--log-level", "critical")


def test_nothing_is_lost_and_nothing_stays_behind(vwo, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=1)
    vwo.retry_seconds = (0.2, 0.4)
    with running(COMMAND) as url:
        ask = page(f"{url}/flag/")
        deliveries, kills, shade = [], 0, ""
        until = time.monotonic() + SECONDS
        next_kill = 0.0
        while time.monotonic() < until:
            shade = f"shade {len(deliveries)}"
            vwo.set_flag("new_checkout", variables={"color": shade}, notify=False)
            deliveries.append(vwo.send_webhook(action=shade, url=f"{url}/webhooks/vwo/"))
            if time.monotonic() > next_kill:
                kills += kill_one(ask)
                next_kill = time.monotonic() + random.uniform(0.2, 0.8)
            time.sleep(random.uniform(0.05, 0.15))
        assert all(delivery.wait(30) for delivery in deliveries)
        wait_until(lambda: colors(ask, WORKERS) == {shade}, 30)
    assert kills > 3
    rows = Counter(WebhookEvent.objects.values_list("action", flat=True))
    assert set(rows) == {delivery.payload["action"] for delivery in deliveries}
    # where the answer was lost after its row was closed, VWO's retry begins a row of its own
    for event in WebhookEvent.objects.order_by("-pk"):
        rows[event.action] -= 1
        assert (event.previous() is not None) == (rows[event.action] > 0)
    assert rows.total() == 0
    assert WebhookEvent.objects.count() - len(rows) <= kills
    assert set(WebhookEvent.objects.values_list("outcome", flat=True)) <= {"changed", "unchanged"}
    assert not WebhookEvent.objects.filter(finished_at=None).exists()


def kill_one(ask):
    """Kill the worker that answers first."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        os.kill(ask()["pid"], signal.SIGKILL)
        return 1
    return 0
