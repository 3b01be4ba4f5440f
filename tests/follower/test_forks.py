"""A process that follows is forked: the child follows by itself, the parent goes on."""

import json
import subprocess
import sys

import pytest
from django.db import connection

from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import configure, run_site, site_environment, start_site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.skipif(connection.vendor != "mysql", reason="what MySQL's driver does")
def test_a_fork_leaves_the_parents_connection_alone(vwo):
    refresh_settings()
    ran = run_site(
        """
import os, threading, time
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import FleetProcess
from django_vwo_webhooks.signals import settings_applied
client = get_client()
while not FleetProcess.objects.exists(): time.sleep(0.01)
for _ in range(3):
    if not os.fork():
        os._exit(0)
    os.wait()
checked = threading.Event()
settings_applied.connect(lambda **kwargs: checked.set(), weak=False)
client.snapshot_digest = "another"
assert checked.wait(10)
"""
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_children_of_a_fork_right_after_the_first_use_follow(vwo, pushing_broadcast):
    """As a preloading server forks, while the parent subscribes."""
    refresh_settings()
    code = """
import os, signal, time
from django_vwo_webhooks.client import get_client
client = get_client()

def follow_a_change():
    client.get_flag("new_checkout", {"id": "u"})
    os.write(1, b"up\\n")
    signal.alarm(20)
    while client.get_flag("new_checkout", {"id": "u"}).is_enabled(): time.sleep(0.01)

children = []
for _ in range(4):
    child = os.fork()
    if not child:
        follow_a_change()
        os._exit(7)
    children.append(child)
follow_a_change()
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
os._exit(7 if codes == [7] * 4 else 8)
"""
    with start_site(code) as process:
        assert [process.stdout.readline() for _ in range(5)] == ["up\n"] * 5
        vwo.set_flag("new_checkout", enabled=False)
        refresh_settings()
        assert process.wait(20) == 7


def test_a_fork_waits_for_a_broadcast_that_hangs_a_quarter_of_a_second(vwo, settings):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.Hanging"})
    refresh_settings()
    ran = run_site(
        """
import json, os, time
from django_vwo_webhooks.broadcast import get_broadcast
from django_vwo_webhooks.client import get_client
client = get_client()
started = time.monotonic()
child = os.fork()
if not child:
    os._exit(7 if client.get_flag("new_checkout", {"id": "u"}).is_enabled() else 8)
waited = time.monotonic() - started
print(json.dumps([waited, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]))
get_broadcast().close()
"""
    )
    waited, code = json.loads(ran.stdout)
    assert 0.2 < waited < 2, "and no more than that on a busy machine"
    assert code == 7


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import os, time
import django
django.setup()
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.follower.check import DatabaseCheck

run, checks = DatabaseCheck.run, []
def noted(check):
    checks.append(check)
    return run(check)
DatabaseCheck.run = noted

client = get_client()
client.get_flag("new_checkout", {"id": "of the parent"})
child = os.fork()
checks.clear()
if not child:
    client.get_flag("new_checkout", {"id": "of the child"})
time.sleep(2)
print(len(set(map(id, checks))), flush=True)
if child:
    os.waitpid(child, 0)
"""


def test_greenlets_of_the_parent_end_in_a_child(vwo, settings, quick):
    """gevent copies them with the process, and each would go on in both."""
    pytest.importorskip("gevent")
    batches = {"batch_event_data": {"request_time_interval": 1}}
    configure(settings, SDK_OPTIONS={"proxy_url": vwo.url, **batches})
    refresh_settings()
    command = [sys.executable, "-c", GREENLETS]
    ran = subprocess.run(
        command, env=site_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout.split() == ["1", "1"], ran.stderr
    names = [each["d"]["event"]["name"] for each in vwo.impressions]
    assert names.count("vwo_variationShown") == 2
