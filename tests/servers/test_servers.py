"""One delivery to one worker, and every process answers with the new flag, on real servers."""

import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests
from django.conf import settings as site
from django.db.models import Sum

from django_vwo_webhooks.models import WebhookEvent
from tests.conftest import configure, wait_until
from tests.servers.running import (
    LIBRARIES,
    THREADS,
    celery_workers,
    colors,
    gunicorn,
    page,
    post,
    running,
)

pytestmark = pytest.mark.django_db(transaction=True)

UVICORN = ["uvicorn", "--port", "PORT", "--workers", "2", "--loop", "uvloop"]
PATCHED_FIRST = ["-k", "gevent", "-c", "python:tests.servers.gunicorn_gevent"]

SERVERS = {
    "sync": (gunicorn(4, *LIBRARIES), 4, "flag"),
    "sync, preloaded": (gunicorn(4, "--preload"), 4, "flag"),
    "gthread": (gunicorn(4, *THREADS, *LIBRARIES), 4, "flag"),
    "gthread, preloaded": (gunicorn(4, *THREADS, "--preload"), 4, "flag"),
    "gevent": (gunicorn(4, "-k", "gevent"), 4, "flag"),
    "gevent, preloaded": (gunicorn(4, *PATCHED_FIRST, "--preload"), 4, "flag"),
    "uvicorn": ([*UVICORN, "tests.servers.asgi:application"], 2, "async-flag"),
}


def follow_20_changes(vwo, ask, workers, deliver):
    """One delivery for each change, after which every worker serves it; one fetch for each."""
    assert colors(ask, workers) == {"red"}
    before = len(vwo.fetches)
    for number in range(20):
        shade = f"shade {number}"
        vwo.set_flag("new_checkout", variables={"color": shade})
        assert deliver(action=shade).status_code == 200
        wait_until(lambda s=shade: colors(ask, workers) == {s})
    assert len(vwo.fetches) - before == 20


QUICK = ("sync", "uvicorn")
"""What ``make test`` starts: WSGI and ASGI."""


@pytest.mark.parametrize(
    ("command", "workers", "path"),
    [
        pytest.param(*server, id=name, marks=[] if name in QUICK else [pytest.mark.slow])
        for name, server in SERVERS.items()
    ],
)
def test_one_fetch_and_every_worker_follows(vwo, quick, command, workers, path):
    preload = {"SITE_PRELOADS": "1"} if "--preload" in command else {}
    pytest.importorskip("gevent") if "gevent" in command else None
    pytest.importorskip("uvloop") if "uvloop" in command else None
    with running(command, **preload) as url:
        follow_20_changes(vwo, page(f"{url}/{path}/"), workers, partial(post, url))


@pytest.mark.skipif("TEST_REDIS_URL" not in os.environ, reason="TEST_REDIS_URL is not set")
@pytest.mark.parametrize("preload", [{}, {"SITE_PRELOADS": "1"}], ids=["plain", "preloaded"])
def test_celery_workers_follow(vwo, quick, deliver, preload):
    with celery_workers(**preload) as ask:
        follow_20_changes(vwo, ask, 2, deliver)


def test_a_chunked_body_through_a_server_that_reads_it_to_its_end(vwo):
    with running(gunicorn(1)) as url:
        headers = {"x-vwo-auth": site.VWO_WEBHOOKS["SECRET"], "Content-Type": "application/json"}

        def send(*chunks):
            return requests.post(
                f"{url}/webhooks/vwo/", data=iter(chunks), headers=headers, timeout=20
            )

        assert send(b'{"event": ', b'"settings_changed"}').status_code == 200
        assert send(b'{"event": "', b"x" * 70_000, b'"}').status_code == 413


@pytest.mark.slow
def test_a_worker_killed_while_it_fetches_blocks_nobody_for_long(vwo, settings, in_thread):
    configure(settings, REFRESH_TIMEOUT_SECONDS=2)
    with running(gunicorn(1)) as url:
        ask = page(f"{url}/flag/")
        worker = ask()["pid"]
        vwo.set_flag("new_checkout", variables={"color": "green"})
        vwo.misbehave(delay=1.5, times=1)
        before = len(vwo.fetches)

        def cut_off():
            with contextlib.suppress(requests.ConnectionError):
                post(url)

        in_thread(cut_off)
        vwo.wait_for(lambda: len(vwo.fetches) > before)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: _delivered(url), timeout=15)
        assert ask()["color"] == "green"
    event = WebhookEvent.objects.get()
    assert event.outcome == "changed"
    assert event.deliveries > 1


def _delivered(url):
    try:
        return post(url).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.slow
def test_a_burst_shares_its_fetches(vwo):
    """500 different events over 32 connections to 4 workers of 4 threads, with fetches of 0.2 s."""
    with running(gunicorn(4, *THREADS, *LIBRARIES)) as url:
        ask = page(f"{url}/flag/")
        colors(ask, 4)
        vwo.misbehave(delay=0.2)
        before = len(vwo.fetches)

        def change(number):
            vwo.set_flag("new_checkout", variables={"color": f"shade {number}"})
            # a machine that is too busy answers 503 now and then, and VWO retries that
            for _ in range(5):
                if post(url, action=str(number)).status_code == 200:
                    return True
                time.sleep(1)
            return False

        with ThreadPoolExecutor(32) as pool:
            assert all(pool.map(change, range(500)))
        assert len(vwo.fetches) - before <= 80
        last = vwo.settings["campaigns"][0]["variations"][0]["variables"][0]["value"]
        wait_until(lambda: colors(ask, 4) == {last})
    assert WebhookEvent.objects.count() == 500
    assert WebhookEvent.objects.aggregate(all=Sum("deliveries"))["all"] <= 550, "retries are rare"
    assert not WebhookEvent.objects.filter(finished_at=None).exists()
