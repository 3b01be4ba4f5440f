"""What the rest of the package sees of the follower: it begins, it stops, it begins anew."""

import threading

import pytest

from django_vwo_webhooks.follower import ensure_following, stop_following

pytestmark = pytest.mark.django_db(transaction=True)


def followers():
    return [thread for thread in threading.enumerate() if thread.name == "vwo-follower"]


def test_one_thread_follows_however_many_ask(vwo, in_thread):
    threads = [in_thread(ensure_following) for _ in range(8)]
    for thread in threads:
        thread.join()
    ensure_following()
    assert len(followers()) == 1


def test_a_follower_that_was_stopped_is_followed_by_a_new_one(vwo):
    ensure_following()
    (first,) = followers()
    stop_following()
    assert followers() == []
    assert not first.is_alive()
    ensure_following()
    assert len(followers()) == 1


def test_stopping_what_never_began_does_nothing():
    stop_following()
    assert followers() == []
