"""What a process has queued is sent when it ends, in whichever way it ends."""

import pytest

from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import run_site
from tests.sdk.impressions.conftest import shown

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = """
import atexit, multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from tests.sdk.impressions.visitors import evaluate, evaluate_and_fail, get_client

def child(*arguments, target=evaluate, method="fork"):
    process = multiprocessing.get_context(method).Process(target=target, args=arguments)
    process.start()
    process.join()

def parent(number):
    evaluate(number)
    child(number + 1)
"""

ENDS = {
    "end": ("evaluate(1)", 1),
    "sys.exit": ("evaluate(1); sys.exit(0)", 1),
    "exception": ("evaluate_and_fail(1)", 1),
    "atexit": ("get_client(); atexit.register(evaluate, 1)", 1),
    "Process": ("child(1)", 1),
    "Process, forkserver": ("child(1, method='forkserver')", 1),
    "Process, spawn": ("child(1, method='spawn')", 1),
    "Process that raises": ("child(1, target=evaluate_and_fail)", 1),
    "Process of a parent that evaluated": ("parent(1)", 2),
    "Process of a Process": ("child(1, target=parent)", 2),
    "Pool": (
        "with multiprocessing.Pool(2) as pool:\n"
        "    pool.map(evaluate, range(10))\n"
        "    pool.close()\n"
        "    pool.join()",
        10,
    ),
    "Pool, a process for each task": (
        "with multiprocessing.Pool(2, maxtasksperchild=1) as pool:\n"
        "    pool.map(evaluate, range(6), 1)\n"
        "    pool.close()\n"
        "    pool.join()",
        6,
    ),
    "ProcessPoolExecutor": (
        "with ProcessPoolExecutor(2) as pool:\n    list(pool.map(evaluate, range(10)))",
        10,
    ),
    "os._exit after a flush": ("evaluate(1); get_client().flush_events(); os._exit(0)", 1),
}
"""Ends of processes, each with the number of its visitors."""

QUICK = {"end", "exception", "Process"}


@pytest.mark.parametrize(
    "end",
    [pytest.param(end, id=end, marks=[] if end in QUICK else [pytest.mark.slow]) for end in ENDS],
)
def test_every_impression_arrives(vwo, end):
    refresh_settings()
    code, visitors = ENDS[end]
    ran = run_site(BEGIN + code)
    assert len(shown(vwo)) == visitors, ran.stderr
    assert "were not sent" not in ran.stderr


def test_a_short_lived_process_does_not_wait_for_diagnostics(vwo):
    """It would have no time left for its impressions, where VWO is far away or hangs."""
    vwo.misbehave_events(delay=2, when=lambda request: "batch" not in request.path)
    refresh_settings()
    ran = run_site(
        f"{BEGIN}import time\n"
        "get_client().get_flag('gone', {'id': '1'})\n"
        "time.sleep(0.1)\n"
        "evaluate(1)"
    )
    assert len(shown(vwo)) == 1, ran.stderr


def test_billiards_processes_send_theirs(vwo):
    pytest.importorskip("billiard")
    refresh_settings()
    ran = run_site(
        f"{BEGIN}import billiard\n"
        "process = billiard.Process(target=evaluate, args=[1])\n"
        "process.start(); process.join()"
    )
    assert len(shown(vwo)) == 1, ran.stderr


def test_a_child_sends_nothing_that_its_parent_has_queued(vwo):
    refresh_settings()
    ran = run_site(
        f"{BEGIN}evaluate(1); child(target=print)\nif not os.fork(): sys.exit(0)\nos.wait()"
    )
    assert len(shown(vwo)) == 1, ran.stderr
