import os

import pytest
from django.db import connection

from django_vwo_webhooks.client import get_client
from tests.conftest import configure

REDIS = os.environ.get("TEST_REDIS_URL")


def use_broadcast(settings, name, **options):
    if name == "Redis":
        pytest.importorskip("redis")
        options["url"] = REDIS or pytest.skip("needs TEST_REDIS_URL")
    if name == "Postgres" and connection.vendor != "postgresql":
        pytest.skip("needs TEST_DATABASE_URL of a PostgreSQL")
    backend = f"django_vwo_webhooks.broadcast.{name.lower()}.{name}Broadcast"
    configure(settings, BROADCAST={"BACKEND": backend, "OPTIONS": options})


@pytest.fixture
def quick(settings):
    """Polls so often that no test waits for it."""
    use_broadcast(settings, "Database", poll_seconds=0.02)


@pytest.fixture(params=["Database", "Redis", "Postgres"])
def any_broadcast(request, settings):
    """Each broadcast that several processes can use, as far as its server is there."""
    use_broadcast(settings, request.param)


@pytest.fixture(params=["Redis", "Postgres"])
def pushing_broadcast(request, settings):
    """Each of them that pushes, where polling is so slow that it can't help."""
    use_broadcast(settings, request.param, poll_seconds=60)


def enabled():
    return get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()
