"""Staff use the kill switch in the admin of a real server, while VWO is away."""

import itertools
import os
import re
import signal
import threading
import time

import pytest
import requests
from django.contrib.auth.models import User

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import KillSwitch
from tests.conftest import wait_until
from tests.servers.running import answers, celery_workers, colors, page, running
from tests.servers.test_servers import SERVERS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

FLAG = "new_checkout"


class Staff:
    """Somebody who is logged in to the admin of a running server."""

    def __init__(self, url):
        User.objects.create_superuser("anna", password="anna")
        self._session = requests.Session()
        self._url = url
        self._post("login/", username="anna", password="anna")

    def use(self):
        self._post("django_vwo_webhooks/killswitch/add/", flag=FLAG, reason="refunds", end="hour")

    def release(self):
        switch = KillSwitch.objects.not_released().get()
        self._post(f"django_vwo_webhooks/killswitch/{switch.pk}/release/", of="")

    def _post(self, path, of=None, **fields):
        url = f"{self._url}/admin/{path}"
        form = self._session.get(url if of is None else f"{self._url}/admin/", timeout=20).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[1]
        fields["csrfmiddlewaretoken"] = token
        answer = self._session.post(url, fields, allow_redirects=False, timeout=20)
        assert answer.status_code == 302, answer.text


@pytest.mark.parametrize(("command", "workers", "path"), SERVERS.values(), ids=SERVERS)
def test_every_worker_has_it_by_the_admin_while_vwo_is_away(vwo, quick, command, workers, path):
    preload = {"SITE_PRELOADS": "1"} if "--preload" in command else {}
    pytest.importorskip("gevent") if "gevent" in command else None
    pytest.importorskip("uvloop") if "uvloop" in command else None
    with running(command, **preload) as url:
        ask = page(f"{url}/{path}/")
        assert colors(ask, workers) == {"red"}
        vwo.refuse()
        anna = Staff(url)
        anna.use()
        wait_until(lambda: colors(ask, workers) == {"off"})
        if command[0] == "gunicorn":
            killed = ask()["pid"]
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: killed not in answers(ask, workers - 1))
            # with the worker that was started in its place
            assert colors(ask, workers) == {"off"}
        anna.release()
        wait_until(lambda: colors(ask, workers) == {"red"})


@pytest.mark.skipif("TEST_REDIS_URL" not in os.environ, reason="TEST_REDIS_URL is not set")
@pytest.mark.parametrize("preload", [{}, {"SITE_PRELOADS": "1"}], ids=["plain", "preloaded"])
def test_celery_workers_have_it(vwo, quick, preload):
    with celery_workers(**preload) as ask:
        assert colors(ask, 2) == {"red"}
        vwo.refuse()
        kill_switch.use(FLAG, reason="refunds", by="anna")
        wait_until(lambda: colors(ask, 2) == {"off"})
        kill_switch.release(FLAG, by="anna")
        wait_until(lambda: colors(ask, 2) == {"red"})


def test_200_evaluations_a_second_while_it_is_used_and_released(vwo, quick, in_thread):
    """Each answer is right outside the moments of change; only those that are on are counted."""
    client = get_client()
    assert client.get_flag(FLAG, {"id": "first"}).is_enabled()
    evaluations, moments, over = [], [(0.0, time.monotonic(), True)], threading.Event()

    def evaluate():
        number = 0
        while not over.is_set():
            number += 1
            began_at = time.monotonic()
            on = client.get_flag(FLAG, {"id": f"visitor {number}"}).is_enabled()
            evaluations.append((began_at, time.monotonic(), on))
            time.sleep(max(0.0, began_at + 0.005 - time.monotonic()))

    evaluating = in_thread(evaluate)
    for _ in range(20):
        for on in (False, True):
            began_at = time.monotonic()
            if on:
                assert kill_switch.release(FLAG, by="anna")
            else:
                kill_switch.use(FLAG, reason="refunds", by="anna")
            moments.append((began_at, time.monotonic(), on))
            time.sleep(0.05)
    over.set()
    evaluating.join()
    moments.append((time.monotonic(), 0.0, True))
    checked = 0
    for (_, since, on), (until, _, _) in itertools.pairwise(moments):
        between = [
            answer for began, ended, answer in evaluations if since < began and ended < until
        ]
        assert set(between) <= {on}
        checked += len(between)
    assert checked > 200
    assert {on for _, _, on in evaluations} == {True, False}
    assert client.flush_events()
    counted = [
        each["d"]["visId"]
        for each in vwo.impressions
        if each["d"]["event"]["name"] == "vwo_variationShown"
    ]
    assert len(counted) == len(set(counted)) == 1 + sum(on for _, _, on in evaluations)
