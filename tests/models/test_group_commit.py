"""What threads write at the same time shares a commit, and nothing else."""

import threading
import time
from collections import Counter

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from django_vwo_webhooks.models import Flag
from django_vwo_webhooks.models.group_commit import GroupCommit
from tests.conftest import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def insert_flag(key):
    Flag.named(key).save(force_insert=True)


class Threads:
    """Threads that write flags, while a first one keeps its transaction open."""

    def __init__(self, in_thread):
        self.in_thread = in_thread
        self.commits = GroupCommit()
        self.commits_of = {}
        """How often what each thread wrote was committed, by the thread that committed it."""
        self.results = {}
        self.runs = Counter()
        self.may_commit = threading.Event()

    def write(self, key, also=lambda: None, seconds=10.0):
        def write():
            self.runs[key] += 1
            insert_flag(key)
            also()
            transaction.on_commit(lambda: self.committed(key))
            return f"result of {key}"

        def run():
            try:
                found = self.commits.atomically(write, until=time.monotonic() + seconds)
            except BaseException as error:
                found = error
            self.results[key] = found

        return self.in_thread(run)

    def committed(self, key):
        self.commits_of.setdefault(key, []).append(threading.get_ident())

    def write_first(self, error=None):
        """Start a transaction that stays open until ``may_commit``, and then raises ``error``."""
        begun = threading.Event()

        def wait():
            begun.set()
            assert self.may_commit.wait(10)
            if error is not None:
                raise error

        self.write("first", wait)
        assert begun.wait(10)

    def write_more(self, *keys, **options):
        """Queue more writes, one after the other."""
        for key in keys:
            before = len(self.commits._queued)
            self.write(key, **options)
            wait_until(lambda before=before: len(self.commits._queued) > before)


@pytest.fixture
def threads(in_thread):
    threads = Threads(in_thread)
    yield threads
    threads.may_commit.set()


def stored():
    return sorted(Flag.objects.values_list("key", flat=True))


def test_what_is_written_meanwhile_is_committed_together(threads):
    threads.write_first()
    threads.write_more("a", "b", "c")
    assert threads.commits_of == {}
    threads.may_commit.set()
    wait_until(lambda: len(threads.results) == 4)
    assert threads.results == {key: f"result of {key}" for key in ("first", "a", "b", "c")}
    assert stored() == ["a", "b", "c", "first"]
    (first,), *others = (threads.commits_of[key] for key in ("first", "a", "b", "c"))
    assert others[0] == others[1] == others[2] != [first]


def test_what_is_alone_is_committed_at_once_by_its_own_thread():
    commits = GroupCommit()
    for number in range(2):
        found = commits.atomically(lambda: connection.in_atomic_block, until=time.monotonic() + 10)
        assert found, number
    assert not connection.in_atomic_block


def test_a_write_that_fails_costs_the_others_nothing(threads):
    threads.write_first()
    threads.write_more("a")
    threads.write_more("broken", also=lambda: Flag.objects.create(key=None))
    threads.write_more("odd", also=lambda: int("x"))
    threads.write_more("b")
    threads.may_commit.set()
    wait_until(lambda: len(threads.results) == 5)
    assert isinstance(threads.results.pop("broken"), IntegrityError)
    assert isinstance(threads.results.pop("odd"), ValueError)
    assert threads.results == {key: f"result of {key}" for key in ("first", "a", "b")}
    assert stored() == ["a", "b", "first"]
    assert {len(commits) for commits in threads.commits_of.values()} == {1}


@pytest.mark.parametrize("error", [ValueError(), SystemExit()], ids=["error", "exit"])
def test_a_transaction_that_fails_lets_the_next_one_begin(threads, error):
    threads.write_first(error)
    threads.write_more("a", "b")
    threads.may_commit.set()
    wait_until(lambda: len(threads.results) == 3)
    assert threads.results["first"] is error
    assert threads.runs["first"] == 1
    assert stored() == ["a", "b"]


def test_a_thread_that_ends_leaves_the_writes_of_others_to_them(threads):
    def leave():
        if threading.get_ident() not in left:
            left.append(threading.get_ident())
            raise SystemExit

    left = []
    threads.write_first()
    threads.write_more("a", "b", also=leave)
    threads.may_commit.set()
    wait_until(lambda: len(threads.results) == 3)
    assert isinstance(threads.results["a"], SystemExit)
    assert isinstance(threads.results["b"], SystemExit)
    assert threads.write("c").join() is None
    assert threads.results["c"] == "result of c"


def test_a_wait_that_is_too_long_is_an_error_and_nothing_is_written_later(threads):
    threads.write_first()
    threads.write("late", seconds=0.1)
    wait_until(lambda: "late" in threads.results)
    assert isinstance(threads.results["late"], OperationalError)
    threads.may_commit.set()
    wait_until(lambda: "first" in threads.results)
    threads.write("next").join()
    assert stored() == ["first", "next"]
