"""One contract, and every bell of ours passes it; third-party ones may inherit the tests."""

import os
import threading
import time

import pytest
from django.db import connection

from django_vwo_webhooks.broadcast import channel, get_broadcast, publish
from django_vwo_webhooks.broadcast.base import Broadcast
from django_vwo_webhooks.broadcast.database import DatabaseBroadcast
from django_vwo_webhooks.broadcast.local import LocalBroadcast
from django_vwo_webhooks.testing.broadcast import BroadcastContract
from tests.conftest import configure

REDIS = os.environ.get("TEST_REDIS_URL")


class TestLocal(BroadcastContract):
    def make(self):
        return LocalBroadcast()

    # it rings within one object of one process
    def pair(self):
        bell = self.make()
        return bell, bell


class TestDatabase(BroadcastContract):
    def make(self):
        return DatabaseBroadcast(poll_seconds=0.1)


@pytest.mark.skipif(not REDIS, reason="needs TEST_REDIS_URL")
class TestRedis(BroadcastContract):
    def make(self):
        from django_vwo_webhooks.broadcast.redis import RedisBroadcast

        return RedisBroadcast(url=REDIS)


@pytest.mark.skipif(
    "postgresql" not in os.environ.get("TEST_DATABASE_URL", ""),
    reason="needs TEST_DATABASE_URL of a PostgreSQL",
)
@pytest.mark.django_db(transaction=True)
class TestPostgres(BroadcastContract):
    def make(self):
        from django_vwo_webhooks.broadcast.postgres import PostgresBroadcast

        return PostgresBroadcast()

    def test_a_dsn_leads_past_a_pooler(self):
        from django_vwo_webhooks.broadcast.postgres import PostgresBroadcast

        site = connection.settings_dict
        bell = PostgresBroadcast(
            dsn=f"host={site['HOST']} port={site['PORT']} user={site['USER']} dbname={site['NAME']}"
        )
        assert bell.listen("vwo_test", 1.0)
        self.make().publish("vwo_test")
        assert bell.listen("vwo_test", 5.0)
        bell.close()
        assert not bell.listen("vwo_test", 5.0)


@pytest.mark.skipif(not REDIS, reason="needs TEST_REDIS_URL")
def test_a_redis_that_is_gone_is_given_up_at_once():
    from redis.exceptions import RedisError

    from django_vwo_webhooks.broadcast.redis import RedisBroadcast

    bell = RedisBroadcast(url="redis://127.0.0.1:1/0")
    started = time.monotonic()
    with pytest.raises(RedisError):
        bell.publish("vwo_test")
    assert time.monotonic() - started < 3
    with pytest.raises(RedisError):
        bell.listen("vwo_test", 1.0)


class SlowToMake(Broadcast):
    made = 0

    def __init__(self):
        super().__init__()
        time.sleep(0.1)
        type(self).made += 1

    def publish(self, channel):
        pass

    def listen(self, channel, timeout_seconds):
        return False


class Hanging(SlowToMake):
    def publish(self, channel):
        let_go.wait(30)


let_go = threading.Event()


def test_a_bell_that_hangs_is_left_after_half_a_second(settings, caplog):
    configure(settings, BROADCAST={"BACKEND": f"{__name__}.Hanging"})
    started = time.monotonic()
    publish()
    # half a second, and a second for a busy machine
    assert time.monotonic() - started < 1.5
    assert "no answer within 0.5 s" in caplog.text
    let_go.set()


def test_one_is_made_a_process_however_many_threads_ask(settings):
    configure(settings, BROADCAST={"BACKEND": f"{__name__}.SlowToMake"})
    threads = [threading.Thread(target=get_broadcast) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SlowToMake.made == 1


def test_environments_and_keys_ring_under_names_of_their_own(settings):
    names = {channel()}
    configure(settings, ENVIRONMENT="staging")
    names.add(channel())
    configure(settings, SDK_KEY="another")
    names.add(channel())
    assert len(names) == 3
    assert all(len(name) <= 63 and name.isidentifier() for name in names)
