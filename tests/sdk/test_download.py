"""A deadline that holds whatever the server does, and threads and connections that are reused."""

import socket
import subprocess
import sys
import threading
import time

import pytest

from django_vwo_webhooks.exceptions import FetchTimedOut, VWOUnreachable
from django_vwo_webhooks.sdk import download as module
from django_vwo_webhooks.sdk.download import download
from tests.conftest import wait_until
from tests.sdk.scripted_server import answer_always, scripted_server


def fetch(server, seconds=5.0):
    return download(server.url, {"r": 1}, timeout_seconds=seconds)


@pytest.fixture
def threads():
    """The threads that download since this test began."""

    def downloading():
        return {thread for thread in threading.enumerate() if thread.name == "vwo-fetch"}

    before = downloading()
    return lambda: downloading() - before


def silent(connection):
    connection.read_request()
    connection.wait_until_closed()


def drip_headers(connection):
    connection.read_request()
    while True:
        connection.send(b"H")
        time.sleep(0.01)


def drip(connection):
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.send(b" ")
        time.sleep(0.01)


@pytest.mark.parametrize("script", [silent, drip_headers, drip])
@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
def test_the_deadline_holds_and_leaves_no_thread(script, kept, threads):
    def behave(connection):
        if kept:
            connection.read_request()
            connection.answer()
        script(connection)

    with scripted_server(behave) as server:
        if kept:
            fetch(server)
        started = time.monotonic()
        with pytest.raises(FetchTimedOut, match=r"did not answer (in full )?within 0\.2 s"):
            fetch(server, 0.2)
        # most of it is for a busy machine
        assert time.monotonic() - started < 10
        wait_until(lambda: not threads())
        wait_until(lambda: server.open_connections == 0)


def test_the_deadline_holds_while_the_name_is_looked_up(monkeypatch, threads):
    """What can't be interrupted ends by itself, and without asking anybody."""
    look_up, release = socket.getaddrinfo, threading.Event()

    def slow(*args, **kwargs):
        assert release.wait(10)
        return look_up(*args, **kwargs)

    with scripted_server(answer_always) as server:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        with pytest.raises(FetchTimedOut):
            fetch(server, 0.1)
        release.set()
        wait_until(lambda: not threads())
        assert server.requests == []
        assert fetch(server) == b"{}", "the next download has a thread of its own"


def test_one_thread_and_one_connection_serve_one_download_after_another(threads):
    with scripted_server(answer_always) as server:
        fetch(server)
        [thread] = threads()
        assert thread.daemon
        for _ in range(5):
            fetch(server)
        assert threads() == {thread}
        assert server.connections == 1


def test_downloads_at_once_do_not_wait_for_each_other(in_thread):
    both = threading.Barrier(2)

    def answer_together(connection):
        connection.read_request()
        both.wait(5)
        connection.answer()

    with scripted_server(answer_together) as server:
        answers = []
        for _ in range(2):
            in_thread(lambda: answers.append(fetch(server)))
        wait_until(lambda: answers == [b"{}"] * 2)


def test_what_idled_for_some_time_is_closed(monkeypatch, threads):
    monkeypatch.setattr(module, "KEEP_IDLE_SECONDS", 0.05)
    with scripted_server(answer_always) as server:
        fetch(server)
        wait_until(lambda: not threads())
        wait_until(lambda: server.open_connections == 0)
        fetch(server)
        assert server.connections == 2


def test_what_idled_for_too_long_is_not_used_even_where_its_thread_is_late(monkeypatch):
    """As after the process was suspended."""
    with scripted_server(answer_always) as server:
        fetch(server)
        monkeypatch.setattr(module, "KEEP_IDLE_SECONDS", 0.0)
        fetch(server)
        assert server.connections == 2


def test_after_a_failure_the_next_download_begins_anew(threads):
    def refuse(connection):
        connection.read_request()
        connection.answer(head=b"HTTP/1.1 503 Service Unavailable")

    with scripted_server(refuse, answer_always) as server:
        with pytest.raises(Exception, match="answered HTTP 503"):
            fetch(server)
        wait_until(lambda: not threads())
        assert fetch(server) == b"{}"


def test_a_download_that_is_complete_is_not_cancelled():
    """The answer came just when its time was over."""
    with scripted_server(answer_always) as server:
        wanted = module._Download({}, timeout_seconds=5)
        thread = module._DownloadThread(server.url)
        thread.start(wanted)
        assert wanted.done.wait(5)
        assert not thread.cancel(wanted)
        fetch(server)
        assert server.connections == 1


def test_an_exception_of_another_library_does_not_stand_behind_ours():
    with pytest.raises(VWOUnreachable) as raised:
        download("http://127.0.0.1:1/", {"i": "key"}, timeout_seconds=5)
    assert raised.value.__cause__ is raised.value.__context__ is None


def run(code):
    """``code`` in a process of its own, without Django."""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_forked_child_has_a_connection_of_its_own():
    with scripted_server(answer_always) as server:
        run(f"""
import os
from django_vwo_webhooks.sdk.download import download
def fetch():
    return download({server.url!r}, {{"r": 1}}, timeout_seconds=5)
fetch()
child = os.fork()
if child == 0:
    os._exit(fetch() != b"{{}}")
assert os.waitpid(child, 0)[1] == 0
assert fetch() == b"{{}}"
""")
        assert server.connections == 2
        assert len(server.requests) == 3


def test_other_greenlets_go_on_meanwhile():
    pytest.importorskip("gevent")
    with scripted_server(silent) as server:
        turns = run(f"""
from gevent import monkey; monkey.patch_all()
import gevent
from django_vwo_webhooks.exceptions import FetchTimedOut
from django_vwo_webhooks.sdk.download import download
turns = 0
def count():
    global turns
    while True:
        gevent.sleep(0.01); turns += 1
gevent.spawn(count)
try:
    download({server.url!r}, {{}}, timeout_seconds=0.5)
except FetchTimedOut:
    print(turns)
""")
    assert int(turns) > 5
