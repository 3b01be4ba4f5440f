"""Redis and the database go away in the middle of a run of changes, and come back."""

import signal

import pytest

from tests.conftest import use_broadcast, wait_until
from tests.servers.own import own_postgres, own_redis, site_on
from tests.servers.running import THREADS, answers, gunicorn, page, post, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.own_server, pytest.mark.slow]

WORKERS = 4
# preloaded, since importing the site once is quicker than four times
COMMAND = gunicorn(WORKERS, *THREADS, "--preload")

POLL_SECONDS = 0.1

LONGEST_SECONDS = POLL_SECONDS + 2 + 2
"""The poll interval and 2 s, and 2 s for a busy machine."""


class Fleet:
    """The workers of one web server, none of which may die or accumulate threads."""

    def __init__(self, vwo, url):
        self.vwo = vwo
        self.url = url
        self.shades = 0
        self.pids = set(self.ask())

    def ask(self):
        return answers(page(f"{self.url}/flag/"), WORKERS)

    def serves(self, shade):
        return {answer["color"] for answer in self.ask().values()} == {shade}

    def change(self):
        self.shades += 1
        shade = f"shade {self.shades}"
        self.vwo.set_flag("new_checkout", variables={"color": shade})
        return shade

    def follows_a_change(self):
        shade = self.change()
        wait_until(lambda: post(self.url, action=shade).status_code == 200)
        self.follows(shade)

    def follows(self, shade):
        wait_until(lambda: self.serves(shade), LONGEST_SECONDS)

    def is_whole(self):
        now = self.ask()
        assert set(now) == self.pids, "a worker died"
        for answer in now.values():
            # the one that fetched last keeps its thread for the next fetch, for 15 s
            threads = [name for name in answer["threads"] if name != "vwo-fetch"]
            assert threads in (["vwo-follower"], ["vwo-follower", "vwo-impressions"])
            assert answer["threads"].count("vwo-fetch") <= 1


def listeners(server):
    redis = pytest.importorskip("redis")
    with redis.Redis.from_url(server.url) as client:
        return sum(client.pubsub_numsub(name)[0][1] for name in client.pubsub_channels())


def test_redis_goes_and_comes_back(vwo, settings):
    pytest.importorskip("redis")
    with own_redis() as server:
        use_broadcast(settings, "Redis", url=server.url, poll_seconds=POLL_SECONDS)
        with running(COMMAND) as url:
            fleet = Fleet(vwo, url)
            wait_until(lambda: listeners(server) == WORKERS)
            fleet.follows_a_change()
            server.stop()
            for _ in range(4):
                fleet.follows_a_change()
            server.start()
            wait_until(lambda: listeners(server) == WORKERS)
            # from here on they check by themselves every 30 s only
            fleet.follows_a_change()
            fleet.is_whole()


def test_a_redis_that_hangs_is_abandoned(vwo, settings):
    pytest.importorskip("redis")
    with own_redis() as server:
        use_broadcast(settings, "Redis", url=server.url, poll_seconds=POLL_SECONDS)
        with running(COMMAND) as url:
            fleet = Fleet(vwo, url)
            wait_until(lambda: listeners(server) == WORKERS)
            server.send(signal.SIGSTOP)
            shade = fleet.change()
            assert post(url, action=shade).status_code == 200
            # a silence of 2 s, a ping that is not answered for 2 s, then the check of the database
            wait_until(lambda: fleet.serves(shade), 2 + 2 + LONGEST_SECONDS)
            fleet.follows_a_change()
            server.send(signal.SIGCONT)
            wait_until(lambda: listeners(server) == WORKERS)
            fleet.follows_a_change()
            fleet.is_whole()


@pytest.mark.parametrize("broadcast", ["Database", "Postgres"])
def test_postgres_is_restarted(vwo, settings, broadcast):
    pytest.importorskip("psycopg")
    with own_postgres() as server:
        site = site_on(server)
        use_broadcast(settings, broadcast, poll_seconds=POLL_SECONDS)
        with running(COMMAND, **site) as url:
            fleet = Fleet(vwo, url)
            fleet.follows_a_change()
            server.stop()
            shade = fleet.change()
            assert post(url, action=shade).status_code == 503
            assert not fleet.serves(shade), "nothing is in force that is not stored"
            server.start()
            wait_until(lambda: post(url, action=shade).status_code == 200)
            fleet.follows(shade)
            for _ in range(4):
                fleet.follows_a_change()
            fleet.is_whole()
