"""One object for each process, made when it is first used."""

import subprocess
import sys
import threading

from django_vwo_webhooks.process import PerProcess


class Thing:
    pass


def test_nothing_is_made_before_it_is_used():
    held = PerProcess(Thing)
    assert held.peek() is held.latest is None
    made = held()
    assert held() is made
    assert held.peek() is held.latest is made


def test_threads_that_use_it_first_at_the_same_time_get_the_same_object():
    together = threading.Barrier(8)

    def make():
        together.wait(10)
        return Thing()

    held, seen = PerProcess(make), []
    threads = [threading.Thread(target=lambda: seen.append(held())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


def test_after_forget_another_one_is_made():
    held = PerProcess(Thing)
    first = held()
    held.forget()
    assert held.peek() is held.latest is None
    assert held() is not first


def test_a_forked_child_makes_its_own_and_frees_nothing_of_its_parents():
    code = """
import os, weakref
from django_vwo_webhooks.process import PerProcess
class Thing:
    pass
held = PerProcess(Thing)
of_the_parent = weakref.ref(held())
child = os.fork()
if child == 0:
    assert held.peek() is held.latest is None
    assert held() is not of_the_parent()
    assert of_the_parent() is not None
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert held() is of_the_parent()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
