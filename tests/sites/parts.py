"""Parts of sites: middleware, routers, apps, and what is checked of them alone."""

import os
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connection, transaction

from django_vwo_webhooks import signals

OURS = "django_vwo_webhooks"


class OnOther:
    """The app's models are on another database, and are read from a replica that has nothing."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica" if model._meta.app_label == OURS else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "other" if model._meta.app_label == OURS else "default"

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (app_label == OURS) == (db in ("other", "replica"))


class ReadsChunks:
    """Reads each body before the view does, chunked ones from the server's stream."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        if request.headers.get("Transfer-Encoding") == "chunked":
            request._body = request.META["wsgi.input"].read()
        assert request.body is not None
        return self.get_response(request)


class LeavesTransactionsOpen(AppConfig):
    name = "tests.sites"
    label = "leaves_transactions_open"

    def ready(self) -> None:
        for name in ("webhook_received", "settings_applied", "settings_refreshed"):
            getattr(signals, name).connect(self.leave_open)

    def leave_open(self, **kwargs: Any) -> None:
        transaction.atomic().__enter__()


def pool_runs_dry(site: Any) -> None:
    """All connections are in use: that is a 503, and the next delivery finds one again."""
    for number in range(10):
        assert site.deliver(action=f"pooled {number}").status_code == 200
    connection.close()
    taken = [connection.pool.getconn() for _ in range(4)]  # type: ignore[attr-defined]
    try:
        answer = site.deliver(action="dry")
        assert answer.status_code == 503, answer.content
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["event"] is None
    finally:
        for each in taken:
            connection.pool.putconn(each)  # type: ignore[attr-defined]
    assert site.deliver(action="dry").status_code == 200


def half_migrated(site: Any) -> None:
    """A delivery is not lost while a column is missing: VWO is asked to retry."""
    table = "django_vwo_webhooks_refreshlease"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME COLUMN digest TO away")
        try:
            answer = site.deliver()
            assert answer.status_code == 503, answer.content
            site.log_in()
            page = site.client.get("/admin/django_vwo_webhooks/webhookevent/")
            assert page.status_code == 503
            assert b"manage.py migrate" in page.content
        finally:
            cursor.execute(f"ALTER TABLE {table} RENAME COLUMN away TO digest")


def sentry_gets_no_credential(site: Any) -> None:
    """Neither the errors nor the transactions that sentry-sdk was given contain one."""
    site.vwo.misbehave(status=500)
    assert site.deliver(action="reported").status_code == 503
    site.vwo.behave()
    envelopes = Path(os.environ["SITE_ENVELOPES"])
    assert envelopes.stat().st_size > 1000
    text = envelopes.read_text()
    assert "webhooks/vwo" in text
    for name in ("SECRET", "SDK_KEY"):
        assert settings.VWO_WEBHOOKS[name] not in text, name
