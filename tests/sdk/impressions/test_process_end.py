"""What a process has queued is sent when it ends, in whichever way it ends."""

import pytest

from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import run_site
from tests.sdk.impressions.conftest import shown

pytestmark = pytest.mark.django_db(transaction=True)

EVALUATE = """
import os, sys
from django_vwo_webhooks.client import get_client
def evaluate(number):
    assert get_client().get_flag("new_checkout", {"id": str(number)}).is_enabled()
"""

MULTIPROCESSING = """
import multiprocessing
multiprocessing.set_start_method("fork")
"""

ENDS = {
    "end": "evaluate(1)",
    "sys.exit": "evaluate(1); sys.exit(0)",
    "exception": "evaluate(1); raise ZeroDivisionError",
    "atexit": "import atexit; get_client(); atexit.register(evaluate, 1)",
    "Process": "process = multiprocessing.Process(target=evaluate, args=[1])\n"
    "process.start(); process.join()",
    "Process that raises": "def fail():\n    evaluate(1); raise ZeroDivisionError\n"
    "process = multiprocessing.Process(target=fail)\nprocess.start(); process.join()",
    "Process of a parent that evaluated": "evaluate(1)\n"
    "process = multiprocessing.Process(target=evaluate, args=[2])\nprocess.start(); process.join()",
    "Process of a Process": "def parent():\n    evaluate(1)\n"
    "    process = multiprocessing.Process(target=evaluate, args=[2])\n"
    "    process.start(); process.join()\n"
    "process = multiprocessing.Process(target=parent)\nprocess.start(); process.join()",
    "Pool": "with multiprocessing.Pool(2) as pool:\n    pool.map(evaluate, range(10))\n"
    "    pool.close(); pool.join()",
    "ProcessPoolExecutor": "from concurrent.futures import ProcessPoolExecutor\n"
    "with ProcessPoolExecutor(2) as pool:\n    list(pool.map(evaluate, range(10)))",
    "os._exit after a flush": "evaluate(1); get_client().flush_events(); os._exit(0)",
}
"""The ends of a process, and how many visitors it has had."""

VISITORS = {"Pool": 10, "ProcessPoolExecutor": 10, "Process of a parent that evaluated": 2}
VISITORS |= {"Process of a Process": 2}


@pytest.mark.parametrize("end", ENDS)
def test_every_impression_arrives(vwo, end):
    refresh_settings()
    ran = run_site(EVALUATE + MULTIPROCESSING + ENDS[end])
    assert len(shown(vwo)) == VISITORS.get(end, 1), ran.stderr
    assert "were not sent" not in ran.stderr


def test_billiards_processes_send_theirs(vwo):
    pytest.importorskip("billiard")
    refresh_settings()
    ran = run_site(
        f"{EVALUATE}import billiard\n"
        "process = billiard.Process(target=evaluate, args=[1])\nprocess.start(); process.join()"
    )
    assert len(shown(vwo)) == 1, ran.stderr


def test_a_child_sends_nothing_that_its_parent_has_queued(vwo):
    refresh_settings()
    ran = run_site(
        f"{EVALUATE}{MULTIPROCESSING}evaluate(1)\n"
        "process = multiprocessing.Process(target=print)\nprocess.start(); process.join()\n"
        "if not os.fork(): sys.exit(0)\n"
        "os.wait()"
    )
    assert len(shown(vwo)) == 1, ran.stderr
