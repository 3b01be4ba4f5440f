"""One delivery to one worker, and every process answers with the new flag, on real servers."""

import time

import pytest
import requests
from django.conf import settings as site

from .conftest import PAYLOAD, wait_until
from .servers.running import colors, running

pytestmark = pytest.mark.django_db(transaction=True)

GUNICORN = ["gunicorn", "-b", "127.0.0.1:PORT", "-w", "4", "tests.servers.wsgi"]
UVICORN = ["uvicorn", "--port", "PORT", "--workers", "2", "--loop", "uvloop"]

SERVERS = {
    "sync": (GUNICORN, 4, "flag"),
    "sync, preloaded": ([*GUNICORN, "--preload"], 4, "flag"),
    "gthread": ([*GUNICORN, "-k", "gthread", "--threads", "4"], 4, "flag"),
    "gthread, preloaded": ([*GUNICORN, "-k", "gthread", "--threads", "4", "--preload"], 4, "flag"),
    "gevent": ([*GUNICORN, "-k", "gevent"], 4, "flag"),
    "gevent, preloaded": ([*GUNICORN, "-k", "gevent", "--preload"], 4, "flag"),
    "uvicorn": ([*UVICORN, "tests.servers.asgi:application"], 2, "async-flag"),
}


def deliver(url, **changes):
    headers = {"x-vwo-auth": site.VWO_WEBHOOKS["SECRET"]}
    return requests.post(
        f"{url}/webhooks/vwo/", json={**PAYLOAD, **changes}, headers=headers, timeout=20
    )


@pytest.mark.parametrize(("command", "workers", "page"), SERVERS.values(), ids=SERVERS)
def test_one_fetch_and_every_worker_follows(vwo, command, workers, page):
    preload = {"SITE_PRELOADS": "1"} if "--preload" in command else {}
    pytest.importorskip("gevent") if "gevent" in command else None
    pytest.importorskip("uvloop") if "uvloop" in command else None
    with running(command, **preload) as url:
        assert set(colors(url, workers, page).values()) == {"red"}
        before = len(vwo.fetches)
        for number in range(5):
            shade = f"shade {number}"
            vwo.set_flag("new_checkout", variables={"color": shade})
            assert deliver(url, action=shade).status_code == 200
            answered = time.monotonic()
            wait_until(lambda s=shade: set(colors(url, workers, page).values()) == {s})
            assert time.monotonic() - answered < 3
        assert len(vwo.fetches) - before == 5
    assert running.stop_seconds < 5


def test_a_chunked_body_through_a_server_that_ends_it(vwo):
    with running(GUNICORN) as url:
        headers = {"x-vwo-auth": site.VWO_WEBHOOKS["SECRET"], "Content-Type": "application/json"}

        def post(*chunks):
            return requests.post(
                f"{url}/webhooks/vwo/", data=iter(chunks), headers=headers, timeout=20
            )

        assert post(b'{"event": ', b'"settings_changed"}').status_code == 200
        assert post(b'{"event": "', b"x" * 70_000, b'"}').status_code == 413
