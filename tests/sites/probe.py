"""What every site must do, whatever its shape: ``SITE_SHAPE=… python -m tests.sites.probe``.

Runs in a process of its own, since many settings are read at import.
"""

import contextlib
import csv
import gzip
import io
import json
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import django
import requests
from django.conf import settings

django.setup()

from django.apps import apps  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from django_vwo_webhooks import kill_switch  # noqa: E402
from django_vwo_webhooks.broadcast import publish  # noqa: E402
from django_vwo_webhooks.client import get_client  # noqa: E402
from django_vwo_webhooks.follower import stop_following  # noqa: E402
from django_vwo_webhooks.models import KillSwitch, SettingsSnapshot, WebhookEvent  # noqa: E402
from django_vwo_webhooks.models.base import database  # noqa: E402
from django_vwo_webhooks.models.clock import DatabaseClock  # noqa: E402
from django_vwo_webhooks.refresh import refresh_settings  # noqa: E402
from django_vwo_webhooks.status import fleet_status  # noqa: E402
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature  # noqa: E402
from tests.conftest import PAYLOAD, wait_until  # noqa: E402
from tests.servers.pooler import pgbouncer  # noqa: E402
from tests.servers.running import running  # noqa: E402
from tests.sites.shapes import SHAPES  # noqa: E402

shape = SHAPES[os.environ["SITE_SHAPE"]]
VWO = settings.VWO_WEBHOOKS
BIG_NUMBER = 1_234_567
"""The numbers of rows begin here where the database lets one choose: a separator would show."""

ODD = {
    "event": None,
    "action": ["Łukasz", {"more": "😀" * 300}],
    "triggered_by": "Zoë 😀 Łukasz “€”\0\ud83d",
    "timestamp": "soon",
    "more": ["\0", "\udfff", "中"],
}


class Site:
    """The site under test: its pages by Django's test client, or those of a real server."""

    def __init__(self, vwo: VWOSimulator) -> None:
        self.vwo = vwo
        self.client = Client()
        self.url = ""

    def post(self, body: Any, **headers: str) -> Any:
        """Posts a delivery; ``body`` is bytes or a JSON value."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        if self.url:
            sent = iter([body[:10], body[10:]]) if shape.chunked else body
            url = f"{self.url}/webhooks/vwo/"
            return requests.post(url, sent, headers=headers, timeout=20)
        content_type = headers.pop("Content-Type")
        stranger = Client(raise_request_exception=False)
        return stranger.post("/webhooks/vwo/", body, content_type=content_type, headers=headers)

    def deliver(self, payload: Any = None, **changes: Any) -> Any:
        """Posts a delivery with the right secret."""
        payload = {**PAYLOAD, **changes} if payload is None else payload
        return self.post(payload, **{"x-vwo-auth": VWO["SECRET"]})

    def log_in(self) -> None:
        users = apps.get_model("auth", "User").objects
        user, _ = users.get_or_create(username="root", is_staff=True, is_superuser=True)
        self.client.force_login(user)

    def page(self, url: str) -> str:
        response = self.client.get(url)
        content = response.getvalue().decode()
        assert response.status_code == 200, (url, response.status_code)
        return content

    def admin_url(self, model: Any, name: str, *args: Any) -> str:
        view = f"{model._meta.app_label}_{model._meta.model_name}_{name}"
        return reverse(f"{shape.admin}:{view}", args=args)


# in this order


def refuses(site: Site) -> None:
    secret = {"x-vwo-auth": VWO["SECRET"]}
    for answer, status in [
        (site.post(PAYLOAD), 401),
        (site.post(PAYLOAD, **{"x-vwo-auth": "wrong"}), 401),
        (site.post(b"not JSON", **secret), 400),
        (site.post([], **secret), 400),
        (site.post({}, **secret), 400),
        (site.post(b"{}", **secret, **{"Content-Type": "text/plain"}), 415),
        (site.post(gzip.compress(b"{}"), **secret, **{"Content-Encoding": "gzip"}), 415),
        (site.post(b"x" * 70_000, **secret), 413),
    ]:
        assert answer.status_code == status, (answer.status_code, status, answer.content)
        assert answer.headers["Content-Type"] == "application/json"
        assert set(answer.json()) in ({"detail"}, {"event"}), answer.content
        assert b" " not in answer.content.split(b":")[0], "compact, whatever the site prefers"
    assert not WebhookEvent.objects.exists()
    assert not site.vwo.fetches


def records(site: Site) -> None:
    begin_at_a_big_number()
    answer = site.deliver()
    assert answer.status_code == 200, answer.content
    assert set(answer.json()) == {"status", "message", "event"}
    event = WebhookEvent.objects.get()
    assert answer.json()["event"] == event.pk
    assert (event.outcome, event.payload, event.action) == ("changed", PAYLOAD, PAYLOAD["action"])
    assert event.timestamp is not None
    assert instant(event.timestamp) == PAYLOAD["timestamp"]
    for at in (event.received_at, event.last_received_at, event.finished_at):
        assert is_recent(at), at
    assert timezone.is_aware(event.received_at) == settings.USE_TZ


def records_what_is_odd(site: Site) -> None:
    site.vwo.set_flag("new_checkout", variables={"color": "Łukasz 😀"}, notify=False)
    answer = site.deliver(ODD)
    assert answer.status_code == 200, answer.content
    event = WebhookEvent.objects.get(pk=answer.json()["event"])
    assert (event.outcome, event.timestamp) == ("changed", None)
    assert event.triggered_by.startswith("Zo")
    assert event.action.startswith('["')
    assert event.payload["action"] == ODD["action"]
    assert event.payload["more"] == ["\\u0000", "\\udfff", "中"]
    assert event.snapshot is not None
    assert event.snapshot.changes[0]["after"] == "Łukasz 😀"
    assert WebhookEvent.objects.filter(triggered_by=ODD["triggered_by"]).count() == 1


def follows(site: Site) -> None:
    flag = "new_checkout"
    user = {"id": "u"}
    wait_until(lambda: get_client().get_flag(flag, user).get_variable("color", "") == "Łukasz 😀")


def answers_503_until_vwo_recovers(site: Site) -> None:
    site.vwo.set_flag("new_checkout", enabled=False, notify=False)
    site.vwo.misbehave(status=500)
    answer = site.deliver(action="off")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert set(answer.json()) == {"status", "message", "event"}
    site.vwo.behave()
    wait_until(lambda: site.deliver(action="off").status_code == 200)
    event = WebhookEvent.objects.get(action="off")
    assert (event.outcome, event.error) == ("changed", "")


def shows(site: Site) -> None:
    """The admin: where the links of its pages lead, the filters, the search, the comparison."""
    site.log_in()
    events = site.admin_url(WebhookEvent, "changelist")
    snapshots = site.admin_url(SettingsSnapshot, "changelist")
    newest = SettingsSnapshot.objects.in_force()
    assert newest is not None
    pages = [events, snapshots]
    seen = {events, snapshots}
    for url in pages:
        links = re.findall(r'href="(/[^"#?]+)', site.page(url))
        ours = {link for link in links if re.match("/(admin|ops)/django_vwo_webhooks/", link)}
        # of each page, one event, one snapshot, and so on
        for link in {re.sub(r"\d+", "N", link): link for link in sorted(ours - seen)}.values():
            seen.add(link)
            pages.append(link) if len(pages) < 6 else site.page(link)
    zone = "%2B00:00" if settings.USE_TZ else ""
    today = f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"
    for query in (
        f"received_at__gte={today}T00:00:00{zone}",
        "q=Zo%C3%AB+%F0%9F%98%80",
        f"q={newest.pk}",
    ):
        site.page(f"{events}?{query}")
    oldest = SettingsSnapshot.objects.oldest_first()[0]
    page = site.page(
        f"{site.admin_url(SettingsSnapshot, 'change', newest.pk)}?compare_to={oldest.pk}"
    )
    assert "new_checkout" in page
    offered = re.findall(r'<option value="([^"]*)"', page)
    assert str(oldest.pk) in [value.lstrip("#") for value in offered], offered


def exports(site: Site) -> None:
    events = site.admin_url(WebhookEvent, "changelist")
    chosen = list(WebhookEvent.objects.values_list("pk", flat=True))
    for action in ("export_csv", "export_json"):
        form = {"action": action, "_selected_action": [str(pk) for pk in chosen]}
        response = site.client.post(events, form)
        assert response.status_code == 200
        text = response.getvalue().decode()
        if action == "export_csv":
            rows = list(csv.DictReader(io.StringIO(text)))
        else:
            rows = json.loads(text)
        assert sorted(int(row["id"]) for row in rows) == sorted(chosen)
        times = [datetime.fromisoformat(str(row["received_at"])) for row in rows]
        assert all(map(is_recent, times))


def refreshes(site: Site) -> None:
    site.vwo.set_flag("new_checkout", enabled=True, notify=False)
    before = SettingsSnapshot.objects.count()
    if shape.has_admin:
        response = site.client.post(site.admin_url(WebhookEvent, "refresh"))
        assert response.status_code == 302
        log = apps.get_model("admin", "LogEntry").objects
        assert log.filter(object_repr="Refresh now").exists() or settings.LANGUAGE_CODE != "en-us"
    assert refresh_settings() == SettingsSnapshot.objects.in_force()
    call_command("vwo_refresh", stdout=io.StringIO())
    assert SettingsSnapshot.objects.count() == before + 1


def switches_off(site: Site) -> None:
    """By the admin where there is one, by the command, and for a second."""
    reason = "Łukasz 😀 “€”"
    client = get_client()

    def on() -> bool:
        return client.get_flag("new_checkout", {"id": "u"}).is_enabled()

    wait_until(on)
    if shape.has_admin:
        form = {"flag": "new_checkout", "reason": reason, "end": "released"}
        response = site.client.post(site.admin_url(KillSwitch, "add"), form)
        assert response.status_code == 302, response.content
        assert not on()
        switch = KillSwitch.objects.get()
        assert (switch.used_by, timezone.is_aware(switch.used_at)) == ("root", settings.USE_TZ)
        page = site.page(site.admin_url(WebhookEvent, "changelist"))
        assert str(switch.reason) in page
        site.page(site.admin_url(KillSwitch, "change", switch.pk))
        response = site.client.post(site.admin_url(KillSwitch, "release", switch.pk))
        assert response.status_code == 302
        assert on()
    call_command("vwo_kill_switch", "new_checkout", reason=reason, stdout=io.StringIO())
    assert not on()
    switch = KillSwitch.objects.newest_first()[0]
    assert switch.until is not None
    assert is_recent(switch.used_at)
    assert is_recent(switch.until - timedelta(days=1))
    call_command("vwo_kill_switch", "new_checkout", "--release", stdout=io.StringIO())
    assert on()
    kill_switch.use("new_checkout", reason=reason, by="root", seconds=2)
    assert not on()
    wait_until(on)
    wait_until(lambda: not KillSwitch.objects.not_released())


def reports(site: Site) -> None:
    out = io.StringIO()
    call_command("vwo_status", "--json", stdout=out)
    status = json.loads(out.getvalue())
    assert status["state"] == "fresh"
    assert is_recent(datetime.fromisoformat(status["since"]))
    assert is_recent(datetime.fromisoformat(status["last_webhook"]))
    assert site.post(PAYLOAD).status_code == 401
    publish()  # or the row would be written within a minute, where nobody polls
    wait_until(lambda: fleet_status().refused.count == 1)
    out = io.StringIO()
    call_command("vwo_status", stdout=out)
    assert "State: fresh since 20" in out.getvalue()
    assert "Refused webhooks: 1 since 20" in out.getvalue()
    assert not re.search(" ([,:]|$)", out.getvalue(), re.MULTILINE)


def prunes(site: Site) -> None:
    """What is a day older than is kept goes, what is a day younger stays."""
    days = timedelta(days=90)
    event = WebhookEvent.objects.oldest_first()[0]
    WebhookEvent.objects.filter(pk=event.pk).update(received_at=event.received_at - days * 1.1)
    kept = WebhookEvent.objects.newest_first()[0]
    WebhookEvent.objects.filter(pk=kept.pk).update(received_at=kept.received_at - days * 0.9)
    call_command("vwo_prune", stdout=io.StringIO())
    assert not WebhookEvent.objects.filter(pk=event.pk).exists()
    assert WebhookEvent.objects.filter(pk=kept.pk).exists()


CHECKS = [
    *(refuses, records, records_what_is_odd, follows, answers_503_until_vwo_recovers),
    *(shows, exports, refreshes, switches_off, reports, prunes),
]


def instant(at: Any) -> float:
    """Unix seconds, also of a time of a site without time zones, which is local."""
    return float(at.timestamp())


def is_recent(at: Any) -> bool:
    """By the database's clock, since the site's may be off."""
    return abs(instant(at) - instant(DatabaseClock.read(database()).now())) < 60


def begin_at_a_big_number() -> None:
    for model in (WebhookEvent, SettingsSnapshot):
        if connections[database()].vendor != "sqlite":
            return
        with connections[database()].cursor() as cursor:
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)",
                [model._meta.db_table, BIG_NUMBER],
            )


@contextlib.contextmanager
def own_database() -> Iterator[None]:
    """The database of the shape, with the tables, dropped at the end."""
    name = settings.DATABASES["default"]["NAME"]
    server: Any = connection
    if shape.database != "sqlite":
        with server._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} {shape.create}")
    try:
        for alias in connections:
            if alias == "default" or settings.DATABASE_ROUTERS:
                call_command("migrate", database=alias, verbosity=0, skip_checks=True)
        with through_pooler() if shape.pooler else contextlib.nullcontext():
            yield
    finally:
        stop_following()
        connections.close_all()
        if shape.database != "sqlite":
            if shape.options.get("pool"):
                server.close_pool()
            with server._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name}")


@contextlib.contextmanager
def through_pooler() -> Iterator[None]:
    """All connections that are made meanwhile lead through PgBouncer."""
    straight = dict(connection.settings_dict)
    with pgbouncer("transaction") as own:
        host, _, port = own.url.removesuffix("/site").rpartition("@")[2].partition(":")
        connection.close()
        through = {"HOST": host, "PORT": port, "NAME": "site", "DISABLE_SERVER_SIDE_CURSORS": True}
        connection.settings_dict.update(through)
        try:
            yield
        finally:
            stop_following()
            connections.close_all()
            connection.settings_dict.update(straight)


def main() -> None:
    with contextlib.ExitStack() as stack:
        vwo = stack.enter_context(
            VWOSimulator(
                build_settings(
                    feature("new_checkout", variables={"color": "red"}),
                    account_id=VWO["ACCOUNT_ID"],
                    sdk_key=VWO["SDK_KEY"],
                ),
                account_id=VWO["ACCOUNT_ID"],
                sdk_key=VWO["SDK_KEY"],
                secret=VWO["SECRET"],
            )
        )
        VWO["SDK_OPTIONS"] = {"proxy_url": vwo.url}
        VWO["BROADCAST"] = {"OPTIONS": {"poll_seconds": 0.05}}
        if shape.broadcast:
            VWO["BROADCAST"]["BACKEND"] = shape.broadcast
        if "redis" in shape.broadcast:
            VWO["BROADCAST"]["OPTIONS"]["url"] = os.environ["TEST_REDIS_URL"]
        stack.enter_context(own_database())
        call_command("check", fail_level="WARNING")
        site = Site(vwo)
        if shape.serve:
            module = {"DJANGO_SETTINGS_MODULE": "tests.sites.settings"}
            server = running([*shape.serve], SITE_URLCONF="tests.sites.webhook_alone", **module)
            site.url = stack.enter_context(server)
        checks = [*shape.before, *CHECKS, *shape.checks]
        for check in checks:
            if shape.has_admin or check not in (shows, exports):
                check(site)


if __name__ == "__main__":
    main()
