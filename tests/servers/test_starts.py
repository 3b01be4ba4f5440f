"""The first change after a start is applied at once, however soon it comes."""

import statistics
import time

import pytest

from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import start_site, wait_until
from tests.management.conftest import run_command
from tests.servers.running import (
    answers,
    colors,
    free_port,
    gunicorn,
    page,
    post,
    running,
    started,
)

pytestmark = pytest.mark.django_db(transaction=True)

STARTS = 10
WORKERS = 4

FORKS_WORKERS = f"""
import os, signal, time
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.signals import settings_applied

def applied(snapshot, **kwargs):
    os.write(1, f"{{snapshot.pk}} {{time.monotonic()}}\\n".encode())
    os._exit(0)

def work():
    client.get_flag("new_checkout", {{"id": "u"}})
    settings_applied.connect(applied)
    os.write(1, b"up\\n")
    signal.pause()

client = get_client()
for _ in range({STARTS}):
    for _ in range({WORKERS}):
        os.fork() or work()
    for _ in range({WORKERS}):
        os.wait()
"""


def test_workers_apply_the_first_change_after_each_start(vwo, pushing_broadcast):
    refresh_settings()
    seconds = []
    with start_site(FORKS_WORKERS) as parent:
        for start in range(STARTS):
            assert [parent.stdout.readline() for _ in range(WORKERS)] == ["up\n"] * WORKERS
            vwo.set_flag("new_checkout", variables={"color": f"shade {start}"})
            snapshot = refresh_settings()
            stored_at = time.monotonic()
            for _ in range(WORKERS):
                number, applied_at = parent.stdout.readline().split()
                assert int(number) == snapshot.pk
                seconds.append(float(applied_at) - stored_at)
        assert parent.wait(10) == 0
    # 100 ms, and more for a busy machine
    assert statistics.median(seconds) < 0.2, seconds
    assert max(seconds) < 0.5, seconds


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["plain", "preloaded"])
def test_a_web_servers_workers_apply_the_first_change(vwo, pushing_broadcast, preload):
    with running(gunicorn(2, *preload), SITE_PRELOADS="1") as url:
        ask = page(f"{url}/flag/")
        answers(ask, 2)
        vwo.set_flag("new_checkout", variables={"color": "green"})
        assert post(url).status_code == 200
        wait_until(lambda: colors(ask, 2) == {"green"}, 0.5)


@pytest.mark.parametrize("preload", [False, True], ids=["plain", "preloaded"])
@pytest.mark.slow
def test_a_deployment_waits_for_workers_that_nobody_has_asked_for_a_flag(vwo, quick, preload):
    refresh_settings()
    early = ["--preload", "-c", "python:tests.servers.gunicorn_early", "tests.servers.wsgi"]
    command = ["gunicorn", "-b", f"127.0.0.1:{free_port()}", "-w", "2"]
    with started([*command, *(early if preload else ["tests.servers.early_wsgi"])]):
        text = run_command("vwo_status", "--wait", "30", "--processes", "2")
    assert "2 of 2" in text
