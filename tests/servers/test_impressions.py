"""Every impression arrives from processes that servers replace, and stop."""

import contextlib
import os

import pytest
import requests
from django.conf import settings as site
from wingify.utils.uuid_util import get_uuid

from django_vwo_webhooks.refresh import refresh_settings
from tests.sdk.impressions.conftest import shown
from tests.servers.running import THREADS, gunicorn, running, started

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

FEW_REQUESTS = ["--max-requests", "5"]

SERVERS = {
    "sync": gunicorn(2),
    "sync, 5 requests": gunicorn(2, *FEW_REQUESTS),
    "sync, 5 requests, preloaded": gunicorn(2, *FEW_REQUESTS, "--preload"),
    "gthread, 5 requests": gunicorn(2, *FEW_REQUESTS, *THREADS),
    "gevent, 5 requests": gunicorn(2, *FEW_REQUESTS, "-k", "gevent"),
}


def ask(url, path, visitor):
    # a worker that replaces another one may have to import the site first
    return requests.get(f"{url}/{path}/?visitor={visitor}", timeout=60).json()


def each_arrives_once(vwo, visitors):
    account = site.VWO_WEBHOOKS["ACCOUNT_ID"]
    ids = {get_uuid(str(visitor), account): visitor for visitor in range(visitors)}

    def arrived():
        found = [ids.get(each["d"]["visId"]) for each in shown(vwo)]
        return sorted(visitor for visitor in found if visitor is not None)

    with contextlib.suppress(TimeoutError):
        vwo.wait_for(lambda: len(arrived()) >= visitors)
    assert arrived() == list(range(visitors))


@pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS)
def test_workers_that_gunicorn_replaces_lose_nothing(vwo, command):
    pytest.importorskip("gevent") if "gevent" in command else None
    preload = {"SITE_PRELOADS": "1"} if "--preload" in command else {}
    refresh_settings()
    with running(command, **preload) as url:
        pids = {ask(url, "flag", visitor)["pid"] for visitor in range(16)}
    assert len(pids) > 2 or "5 requests" not in command
    each_arrives_once(vwo, 16)


@pytest.mark.skipif("TEST_REDIS_URL" not in os.environ, reason="TEST_REDIS_URL is not set")
@pytest.mark.parametrize("tasks", [1, 5])
def test_celery_children_lose_nothing(vwo, tasks):
    pytest.importorskip("celery")
    refresh_settings()
    command = ["celery", "-A", "tests.servers.celery", "worker", "--pool=prefork", "-c", "2"]
    command += ["--max-tasks-per-child", str(tasks), "--without-gossip", "--without-mingle"]
    with started(command):
        from tests.servers.celery import app

        app.control.purge()
        sent = [app.send_task("tests.servers.tasks.flag", [str(n)]) for n in range(20)]
        pids = {each.get(timeout=60)["pid"] for each in sent}
    assert len(pids) >= 20 // tasks
    each_arrives_once(vwo, 20)


UVICORN = ["uvicorn", "--port", "PORT", "tests.servers.asgi_flushing:application"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_uvicorn_loses_nothing_when_its_application_flushes(vwo, workers):
    pytest.importorskip("uvicorn")
    refresh_settings()
    with running([*UVICORN, "--workers", workers]) as url:
        for visitor in range(10):
            ask(url, "async-flag", visitor)
    each_arrives_once(vwo, 10)
