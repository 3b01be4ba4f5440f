"""Each part breaks under the running site and is set right again: nothing is lost, or untrue."""

import ast
import contextlib
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group
from django.db import InterfaceError, connection, transaction

from django_vwo_webhooks import signals
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot, WebhookEvent
from tests.conftest import configure, run_site, wait_until
from tests.servers.own import DATABASES, site_on
from tests.servers.running import LIBRARIES, THREADS, colors, gunicorn, page, post, running

pytestmark = pytest.mark.django_db(transaction=True)

COMMAND = gunicorn(2, *THREADS, *LIBRARIES)
DRIVERS = {"PostgreSQL": "psycopg", "MariaDB": "MySQLdb"}


def color():
    return get_client().get_flag("new_checkout", {"id": "u"}).get_variable("color", "off")


class Site:
    """A site on a database of its own, and what VWO would see of it."""

    def __init__(self, vwo, server):
        self.vwo, self.server = vwo, server
        self.environment = site_on(server)

    def change(self, shade):
        self.vwo.set_flag("new_checkout", variables={"color": shade})
        return shade

    def status(self, shade):
        return post(self.url, action=shade).status_code

    def is_answered(self, shade):
        """As VWO does: again until there is a 2xx."""
        wait_until(lambda: self.status(shade) == 200, 20)

    def follows(self, shade):
        wait_until(lambda: colors(page(f"{self.url}/flag/"), 2) == {shade})

    def sql(self, *statements):
        """Runs them on its database; what the last one found."""
        ran = run_site(
            "from django.db import connection\n"
            "with connection.cursor() as cursor:\n"
            f"    for statement in {statements!r}: cursor.execute(statement)\n"
            "    print(cursor.description and cursor.fetchall())",
            **self.environment,
        )
        return ast.literal_eval(ran.stdout)

    def rows(self):
        ran = run_site(
            "from django_vwo_webhooks.models import WebhookEvent as E; "
            "print(list(E.objects.order_by('pk').values_list('action', 'outcome')))",
            **self.environment,
        )
        return ast.literal_eval(ran.stdout)


@pytest.fixture(params=DATABASES)
def own_site(request, vwo):
    pytest.importorskip(DRIVERS[request.param])
    with DATABASES[request.param]() as server:
        site = Site(vwo, server)
        with running(COMMAND, **site.environment) as site.url:
            yield site


@pytest.mark.own_server
@pytest.mark.slow
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_the_database_goes_before_the_row_and_while_vwo_answers(own_site, in_thread, end):
    site, vwo = own_site, own_site.vwo

    def goes():
        if end == "killed":
            site.server.send(signal.SIGKILL)
        site.server.stop()

    site.is_answered(site.change("one"))
    site.follows("one")
    goes()
    assert site.status(site.change("two")) == 503
    assert colors(page(f"{site.url}/flag/"), 2) == {"one"}, "the last known good stays in force"
    site.server.start()
    site.is_answered("two")

    vwo.misbehave(delay=1, times=1)
    before, answers = len(vwo.fetches), []
    site.change("three")
    in_thread(lambda: answers.append(site.status("three")))
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    goes()
    wait_until(lambda: answers)
    assert answers == [503], "what could not be stored is not fresh"
    site.server.start()
    site.is_answered("three")
    site.follows("three")
    assert site.rows() == [("one", "changed"), ("two", "changed"), ("three", "changed")]


SNAPSHOTS = "django_vwo_webhooks_settingssnapshot"
SLOW_STORE = {
    "postgresql": [
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_sleep(15); RETURN NEW; END'",
        f"CREATE TRIGGER slow BEFORE INSERT ON {SNAPSHOTS} FOR EACH ROW EXECUTE FUNCTION slow()",
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
        f"DROP TRIGGER slow ON {SNAPSHOTS}",
    ],
    "mysql": [
        f"CREATE TRIGGER slow BEFORE INSERT ON {SNAPSHOTS} FOR EACH ROW SET @slept = SLEEP(15)",
        "SELECT 1 FROM information_schema.processlist WHERE state = 'User sleep'",
        "DROP TRIGGER slow",
    ],
}


@pytest.mark.own_server
@pytest.mark.slow
def test_the_database_goes_while_the_snapshot_is_stored(own_site, in_thread):
    site = own_site
    *slow, sleeps, fast = SLOW_STORE[site.server.url.partition(":")[0]]
    site.is_answered(site.change("one"))
    site.follows("one")
    site.sql(*slow)
    answers = []
    site.change("two")
    in_thread(lambda: answers.append(site.status("two")))
    wait_until(lambda: site.sql(sleeps), 15)
    site.server.stop()
    wait_until(lambda: answers)
    assert answers == [503]
    assert colors(page(f"{site.url}/flag/"), 2) == {"one"}
    site.server.start()
    site.sql(fast)
    site.is_answered("two")
    site.follows("two")
    assert site.rows() == [("one", "changed"), ("two", "changed")]


@pytest.mark.own_server
@pytest.mark.slow
def test_a_read_only_postgres_is_a_503_until_it_is_writable_again(vwo):
    psycopg = pytest.importorskip("psycopg")
    with DATABASES["PostgreSQL"]() as server:
        site = Site(vwo, server)

        def read_only(value):
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("SET default_transaction_read_only = off")
                connection.execute(
                    f"ALTER DATABASE postgres SET default_transaction_read_only = {value}"
                )

        with running(COMMAND, **site.environment) as site.url:
            site.is_answered(site.change("one"))
            read_only("on")
            assert site.status(site.change("two")) == 503
            read_only("off")
            site.is_answered("two")
        assert site.rows() == [("one", "changed"), ("two", "changed")]


only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="what SQLite says")


@only_sqlite
def test_a_full_database_is_a_503_until_there_is_room(vwo, deliver):
    assert deliver(action="one").status_code == 200
    vwo.set_flag("new_checkout", variables={"color": "green", "text": "x" * 200_000})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # what earlier tests deleted left room
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages + 2}")
        try:
            assert deliver(action="two").status_code == 503
            assert color() == "red"
        finally:
            cursor.execute("PRAGMA max_page_count = 1000000")
    RefreshLease.objects.update(backoff_until=0)
    assert deliver(action="two").status_code == 200
    assert color() == "green"
    assert WebhookEvent.objects.get(action="two").outcome == "changed"


@only_sqlite
def test_a_locked_database_is_a_503_until_it_is_free(vwo, deliver, in_thread):
    assert deliver(action="one").status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 100")
    locked, done = threading.Event(), threading.Event()

    def lock():
        with connection.cursor() as cursor:
            cursor.execute("BEGIN EXCLUSIVE")
            locked.set()
            done.wait(30)
            cursor.execute("ROLLBACK")

    in_thread(lock)
    locked.wait(30)
    vwo.set_flag("new_checkout", variables={"color": "green"})
    assert deliver(action="two").status_code == 503
    done.set()
    wait_until(lambda: deliver(action="two").status_code == 200)
    assert color() == "green"
    assert WebhookEvent.objects.count() == 2


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one lock, and no deadlock")
def test_a_deadlock_changes_no_answer(vwo, deliver, in_thread):
    """Another transaction holds the event's row and wants the lease, which the attempt holds."""
    assert deliver(action="one").status_code == 200
    vwo.set_flag("new_checkout", variables={"color": "green"})
    vwo.misbehave(delay=1, times=1)
    before, answers = len(vwo.fetches), []
    in_thread(lambda: answers.append(deliver(action="two").status_code))
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    with contextlib.suppress(Exception), transaction.atomic():
        # MariaDB ends the transaction that has written less: let that be the attempt's
        Group.objects.bulk_create(Group(name=str(number)) for number in range(200))
        WebhookEvent.objects.filter(action="two").update(deliveries=1)
        wait_until(lambda: not answers and lease_is_locked(in_thread))
        RefreshLease.objects.update(failures=0)
    wait_until(lambda: answers)
    assert answers == [200]
    assert color() == "green"
    assert WebhookEvent.objects.get(action="two").outcome == "changed"


def lease_is_locked(in_thread):
    """Whether the attempt has written the lease, and waits for the row."""
    found = []

    def look():
        try:
            with transaction.atomic():
                RefreshLease.objects.select_for_update(nowait=True).first()
                found.append(False)
        except Exception:
            found.append(True)

    in_thread(look).join()
    return found[0]


def test_an_older_document_is_recorded_as_what_it_is_and_healed_by_the_next_look(vwo, deliver):
    older = vwo.settings
    deliver()
    vwo.set_flag("new_checkout", variables={"color": "green"})
    newer = vwo.settings
    assert deliver(action="green").status_code == 200
    vwo.settings = older
    assert deliver(action="something else").status_code == 200
    assert color() == "red"
    vwo.settings = newer
    RefreshLease.objects.update(refreshed_at=0)
    wait_until(lambda: color() == "green")
    texts = [snapshot.first_change for snapshot in SettingsSnapshot.objects.order_by("pk")][1:]
    assert texts == [
        "new_checkout: color “red” → “green”",
        "new_checkout: color “green” → “red”",
        "new_checkout: color “red” → “green”",
    ]


def test_a_vwo_that_flaps_loses_nothing(vwo):
    vwo.retry_seconds = (0.1, 0.2)
    with running(COMMAND) as url:
        deliveries = []
        for number in range(12):
            vwo.misbehave(status=500) if number % 2 else vwo.behave()
            shade = f"shade {number}"
            vwo.set_flag("new_checkout", variables={"color": shade}, notify=False)
            deliveries.append(vwo.send_webhook(action=shade, url=f"{url}/webhooks/vwo/"))
            wait_until(lambda: deliveries[-1].attempts)
        vwo.behave()
        assert all(delivery.wait(30) for delivery in deliveries)
        wait_until(lambda: colors(page(f"{url}/flag/"), 2) == {shade})
    assert sum(len(delivery.attempts) for delivery in deliveries) > len(deliveries)
    actions = WebhookEvent.objects.values_list("action", flat=True)
    assert sorted(actions) == sorted(delivery.payload["action"] for delivery in deliveries)
    assert set(WebhookEvent.objects.values_list("outcome", flat=True)) <= {"changed", "unchanged"}
    assert not WebhookEvent.objects.filter(finished_at=None).exists()


@pytest.mark.slow
def test_a_full_disk_for_logs_changes_no_answer(vwo):
    with running(COMMAND, SITE_LOG="/dev/full") as url:
        vwo.set_flag("new_checkout", variables={"color": "green"})
        assert post(url, action="one").status_code == 200
        assert post(url, secret="wrong").status_code == 401
        vwo.misbehave(status=500, times=1)
        assert post(url, action="two").status_code == 503
        wait_until(lambda: post(url, action="two").status_code == 200)
        wait_until(lambda: colors(page(f"{url}/flag/"), 2) == {"green"})


@contextlib.contextmanager
def connected(receiver, *names):
    for name in names:
        getattr(signals, name).connect(receiver)
    try:
        yield
    finally:
        for name in names:
            getattr(signals, name).disconnect(receiver)


@pytest.mark.parametrize("name", ["webhook_received", "settings_applied", "settings_refreshed"])
@pytest.mark.parametrize("how", ["atomic", "no autocommit"])
def test_a_receiver_that_leaves_a_transaction_open_swallows_nothing(
    vwo, deliver, name, how, caplog
):
    def leave_open(**provided):
        if how == "atomic":
            transaction.atomic().__enter__()
        else:
            transaction.set_autocommit(False)
        WebhookEvent.objects.update(event="written by a receiver")

    with connected(leave_open, name):
        assert deliver().status_code == 200
    assert "left a transaction open" in caplog.text
    connection.close()
    event = WebhookEvent.objects.get()
    assert (event.event, event.outcome) == ("settings_changed", "changed")
    assert event.finished_at is not None


@pytest.mark.parametrize("name", ["webhook_received", "settings_applied", "settings_refreshed"])
def test_a_receiver_that_hangs_holds_up_nobody_else(vwo, deliver, in_thread, name):
    deliver(action="first")
    hanging, go_on = threading.Event(), threading.Event()

    def hang(**provided):
        hanging.set()
        go_on.wait(30)

    try:
        with connected(hang, name):
            vwo.set_flag("new_checkout", variables={"color": "green"})
            in_thread(lambda: deliver(action="hangs"))
            assert hanging.wait(30)
        assert deliver(action="another").status_code == 200
        assert color() == "green"
    finally:
        go_on.set()


@pytest.mark.slow
def test_a_storm_of_retries_is_one_row_and_a_few_lines(vwo, settings, tmp_path):
    configure(settings, REFRESH_TIMEOUT_SECONDS=1)
    log = tmp_path / "site.log"
    with running(COMMAND, SITE_LOG=str(log)) as url:
        colors(page(f"{url}/flag/"), 2)
        vwo.misbehave(delay=3600)
        before = len(vwo.fetches)
        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(lambda _: post(url, action="storm").status_code, range(300)))
        assert set(statuses) == {503}
        assert colors(page(f"{url}/flag/"), 2) == {"red"}
    event = WebhookEvent.objects.get()
    assert (event.deliveries, event.outcome) == (300, "failed")
    fetches = len(vwo.fetches) - before
    assert fetches < 30
    ours = [line for line in log.read_text().splitlines() if "VWO" in line or "webhook" in line]
    assert len(ours) <= 2 * fetches + 5, "one line per fetch, and none per retry"


@pytest.mark.parametrize("statement", ["INSERT", "failures"])
def test_a_lost_connection_that_its_driver_calls_an_interface_error(vwo, deliver, statement):
    """As psycopg2 does; it is not a ``DatabaseError``. While an event or a failure is recorded."""
    deliver(action="one")

    def lost(execute, sql, *args):
        if statement in sql:
            raise InterfaceError("connection already closed")
        return execute(sql, *args)

    vwo.misbehave(status=500, times=1)
    with connection.execute_wrapper(lost):
        assert deliver(action="two").status_code == 503
    RefreshLease.objects.update(expires_at=0)
    wait_until(lambda: deliver(action="two").status_code == 200)


def test_a_retry_that_fails_again_is_not_mailed_to_the_admins(vwo, deliver, caplog):
    vwo.misbehave(status=500)
    assert deliver().status_code == 503
    assert "django.request" not in {record.name for record in caplog.records}


def test_a_clock_that_is_set_back_blocks_nobody(vwo, deliver):
    """The lease and the backoff end by the database's clock, which may jump."""
    deliver()
    RefreshLease.objects.update(expires_at=4e9, backoff_until=4e9, refreshed_at=4e9)
    vwo.set_flag("new_checkout", variables={"color": "green"})
    assert deliver(action="green").status_code == 200
    assert color() == "green"
