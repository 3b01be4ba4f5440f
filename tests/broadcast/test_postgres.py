import os
import threading
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from tests.broadcast.contract import Contract


def postgres_broadcast(**options):
    pytest.importorskip("psycopg")
    from django_vwo_webhooks.broadcast.postgres import PostgresBroadcast

    return PostgresBroadcast(**options)


@pytest.mark.skipif(
    "postgresql" not in os.environ.get("TEST_DATABASE_URL", ""),
    reason="needs TEST_DATABASE_URL of a PostgreSQL",
)
@pytest.mark.django_db(transaction=True)
class TestPostgres(Contract):
    def make(self):
        return postgres_broadcast()

    def test_a_dsn_leads_past_a_pooler(self):
        site = connection.settings_dict
        broadcast = postgres_broadcast(
            dsn=f"host={site['HOST']} port={site['PORT']} user={site['USER']} dbname={site['NAME']}"
        )
        assert broadcast.listen("vwo_test", 1.0)
        self.make().publish("vwo_test")
        assert broadcast.listen("vwo_test", 5.0)
        broadcast.close()
        assert not broadcast.listen("vwo_test", 5.0)

    def test_closing_ends_a_call_at_any_moment(self):
        for number in range(30):
            listening = self.make()
            listening.listen("vwo_test", 0)
            waiting = threading.Thread(target=listening.listen, args=("vwo_test", 30), daemon=True)
            waiting.start()
            time.sleep(number / 10_000)
            listening.close()
            waiting.join(5)
            assert not waiting.is_alive()

    def test_a_lost_connection_is_raised_and_made_anew(self, monkeypatch):
        import psycopg

        # however long this machine takes, it counts as ended at once
        monkeypatch.setattr(
            "django_vwo_webhooks.broadcast.postgres.SHORTEST_LIFE_SECONDS", float("inf")
        )
        listening = self.make()
        listening.listen("vwo_test", 0)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )

        def listen_until_the_end():
            # the server's message about the end can arrive before the end itself
            for _ in range(3):
                listening.listen("vwo_test", 5.0)

        with pytest.raises(psycopg.Error):
            listen_until_the_end()
        assert listening.listen("vwo_test", 0), "something may have been published meanwhile"
        self.make().publish("vwo_test")
        assert listening.listen("vwo_test", 5.0)
        self._close(listening)


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="for the other databases")
def test_another_database_is_refused():
    with pytest.raises(ImproperlyConfigured, match="needs the models' database to be PostgreSQL"):
        postgres_broadcast()
