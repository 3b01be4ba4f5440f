import os
import time

import pytest

from tests.broadcast.contract import Contract

REDIS = os.environ.get("TEST_REDIS_URL")

pytestmark = pytest.mark.skipif(not REDIS, reason="needs TEST_REDIS_URL")


def redis_broadcast(url):
    from django_vwo_webhooks.broadcast.redis import RedisBroadcast

    return RedisBroadcast(url=url)


class TestRedis(Contract):
    def make(self):
        return redis_broadcast(REDIS)


def test_a_redis_that_is_gone_is_given_up_at_once():
    from redis.exceptions import RedisError

    broadcast = redis_broadcast("redis://127.0.0.1:1/0")
    started = time.monotonic()
    with pytest.raises(RedisError):
        broadcast.publish("vwo_test")
    assert time.monotonic() - started < 10
    with pytest.raises(RedisError):
        broadcast.listen("vwo_test", 1.0)


def test_a_subscription_is_confirmed_when_listen_returns():
    import redis

    broadcast = redis_broadcast(REDIS)
    with redis.Redis.from_url(REDIS) as client:
        for number in range(20):
            broadcast.listen(f"vwo_test_{os.getpid()}", 0)
            assert client.publish(f"vwo_test_{os.getpid()}", b"") == 1, number
            broadcast.close()
            broadcast = redis_broadcast(REDIS)
