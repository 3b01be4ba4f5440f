"""What stands above the backends: which one is used, under which name, and for how long."""

import threading
import time

from django_vwo_webhooks.broadcast import channel, get_broadcast, publish
from tests.broadcast.backends import Broken, SlowToMake
from tests.conftest import configure, wait_until


def test_a_broadcast_that_hangs_is_abandoned_after_half_a_second(settings, caplog):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.Hanging"})
    before = threading.enumerate()
    started = time.monotonic()
    publish()
    # half a second, and the rest for a busy machine
    assert time.monotonic() - started < 10
    assert "no answer within 0.5 s" in caplog.text
    now = [one for one in threading.enumerate() if one.name == "vwo-publish"]
    (thread,) = (one for one in now if one not in before)
    get_broadcast().close()
    wait_until(lambda: not thread.is_alive())


def test_a_lasting_failure_to_publish_is_logged_once(settings, caplog, monkeypatch):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.Broken"})
    for _ in range(3):
        publish()
    assert caplog.text.count("Failed: publishing to the other processes (OSError)") == 1
    assert "Recovered" not in caplog.text
    monkeypatch.setattr(Broken, "broken", False)
    for _ in range(3):
        publish()
    assert caplog.text.count("Recovered: publishing to the other processes") == 1
    monkeypatch.setattr(Broken, "broken", True)
    publish()
    assert caplog.text.count("Failed: publishing to the other processes (OSError)") == 2


def test_one_is_made_a_process_however_many_threads_ask(settings):
    configure(settings, BROADCAST={"BACKEND": "tests.broadcast.backends.SlowToMake"})
    threads = [threading.Thread(target=get_broadcast) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SlowToMake.made == 1


def test_environments_and_keys_publish_under_names_of_their_own(settings):
    names = {channel()}
    configure(settings, ENVIRONMENT="staging")
    names.add(channel())
    configure(settings, SDK_KEY="another")
    names.add(channel())
    assert len(names) == 3
    assert all(len(name) <= 63 and name.isidentifier() for name in names)
