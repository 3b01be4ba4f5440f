import contextlib
import copy
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as site
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection, connections
from django.db.models.signals import post_migrate
from django.http import HttpResponse
from django.test import Client

from django_vwo_webhooks.broadcast import forget_broadcast
from django_vwo_webhooks.models import WebhookEvent
from django_vwo_webhooks.refusals import refusals
from django_vwo_webhooks.sdk import download
from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature
from django_vwo_webhooks.views import read_body_log, recording_log, status_log

PAYLOAD = {
    "timestamp": 1606482285,
    "event": "settings_changed",
    "action": "campaign_settings_changed",
    "triggered_by": "vwo",
}
"""The example of VWO's page, to the letter."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """After a test that commits, permissions and content types are copied back.

    Django would look for them model by model, for a tenth of the time of all tests.
    """
    models = [apps.get_model("contenttypes", "ContentType"), apps.get_model("auth", "Permission")]
    with django_db_blocker.unblock():
        copies = {
            alias: [list(model.objects.using(alias)) for model in models]
            for alias in connections
            # pytest-django makes those that the chosen tests use
            if connections[alias].introspection.table_names()
        }
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")

    def copy_back(using: str, **kwargs: Any) -> None:
        for model, rows in zip(models, copies[using], strict=True):
            if not model.objects.using(using).exists():
                model.objects.using(using).bulk_create(rows)

    sender = apps.get_app_config("django_vwo_webhooks")
    post_migrate.connect(copy_back, sender=sender, weak=False)


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """No test finds the broadcast of another one; the plugin ends everything else."""
    # named by each test, so that the app is not offline; nobody listens there
    configure(settings, SDK_OPTIONS={"proxy_url": "http://127.0.0.1:9"})
    # no test waits for long until the thread of another one has ended
    monkeypatch.setattr(download, "KEEP_IDLE_SECONDS", 1.0)
    yield
    assert "vwo-follower" not in [thread.name for thread in threading.enumerate()]
    forget_broadcast()
    for logged_once in (refusals, recording_log, read_body_log, status_log):
        logged_once.forget()


@pytest.fixture
def vwo(settings: Any) -> Iterator[VWOSimulator]:
    """VWO's side, served over HTTP, with one flag that is on."""
    with VWOSimulator(
        build_settings(
            feature("new_checkout", variables={"color": "red"}),
            account_id=site.VWO_WEBHOOKS["ACCOUNT_ID"],
            sdk_key=site.VWO_WEBHOOKS["SDK_KEY"],
        ),
        account_id=site.VWO_WEBHOOKS["ACCOUNT_ID"],
        sdk_key=site.VWO_WEBHOOKS["SDK_KEY"],
        secret=site.VWO_WEBHOOKS["SECRET"],
    ) as simulator:
        configure(settings, SDK_OPTIONS={"proxy_url": simulator.url})
        yield simulator


def configure(settings: Any, **values: Any) -> None:
    """Override keys of ``VWO_WEBHOOKS``."""
    settings.VWO_WEBHOOKS = {**copy.deepcopy(settings.VWO_WEBHOOKS), **values}


Deliver = Callable[..., HttpResponse]


@pytest.fixture
def deliver() -> Deliver:
    """Posts a delivery as VWO does, with the right secret unless told otherwise."""

    def post(payload: Any = None, *, secret: Any = None, **changes: Any) -> HttpResponse:
        body = {**PAYLOAD, **changes} if payload is None else payload
        return Client(raise_request_exception=False).post(
            "/webhooks/vwo/",
            body if isinstance(body, (bytes, str)) else json.dumps(body),
            content_type="application/json",
            headers={"x-vwo-auth": secret or site.VWO_WEBHOOKS["SECRET"]},
        )

    return post


@pytest.fixture
def in_thread() -> Iterator[Callable[..., threading.Thread]]:
    """Runs a function in a thread with database connections of its own, closed at its end."""
    threads = []

    def start(function: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                function()
            finally:
                connections.close_all()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join()


def site_environment(**more: str) -> dict[str, str]:
    """The environment for another process of this test's site, on this test's database."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "SITE_DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "SITE_VWO_WEBHOOKS": json.dumps(site.VWO_WEBHOOKS),
        **more,
    }


def run_site(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    """``manage.py shell -c CODE`` of this test's site, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "django", "shell", "-v0", "-c", code],
        env=site_environment(**more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextlib.contextmanager
def start_site(code: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """As ``run_site``, without waiting for the end; nothing of it outlives the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "django", "shell", "-v0", "-c", code],
        env=site_environment(**more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_until(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Returns as soon as ``condition`` holds, fails when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        # not time.sleep, which raises "Invalid argument" under libfaketime
        threading.Event().wait(0.01)


def only_event() -> WebhookEvent:
    return WebhookEvent.objects.get()


def use_broadcast(settings: Any, name: str, **options: Any) -> None:
    """Use "Database", "Local", "Redis" or "Postgres"; skip the test where Redis is missing."""
    if name == "Redis":
        pytest.importorskip("redis")
        if "url" not in options:
            options["url"] = os.environ.get("TEST_REDIS_URL") or pytest.skip("needs TEST_REDIS_URL")
    backend = f"django_vwo_webhooks.broadcast.{name.lower()}.{name}Broadcast"
    configure(settings, BROADCAST={"BACKEND": backend, "OPTIONS": options})


@pytest.fixture
def quick(settings: Any) -> None:
    """Processes poll so often that no test waits for it."""
    use_broadcast(settings, "Database", poll_seconds=0.05)


@pytest.fixture(params=["Database", "Redis", "Postgres"])
def any_broadcast(request: Any, settings: Any) -> None:
    """Each broadcast that several processes can use, as far as its server is there."""
    _skip_without_postgres(request.param)
    use_broadcast(settings, request.param)


@pytest.fixture(params=["Redis", "Postgres"])
def pushing_broadcast(request: Any, settings: Any) -> None:
    """Each of them that pushes, where polling is so slow that it can't help."""
    _skip_without_postgres(request.param)
    use_broadcast(settings, request.param, poll_seconds=60)


def _skip_without_postgres(name: str) -> None:
    if name == "Postgres" and connection.vendor != "postgresql":
        pytest.skip("needs TEST_DATABASE_URL of a PostgreSQL")
