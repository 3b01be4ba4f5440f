"""Every shape of a site passes the same probe, each in a process of its own."""

import importlib.util
import os
import subprocess
import sys
import uuid

import pytest
from django.db import connection
from rest_framework.settings import DEFAULTS

from tests.conftest import site_environment
from tests.servers.own import needed
from tests.servers.test_clocks import clock_off_by
from tests.sites.hostile_drf import HOSTILE
from tests.sites.shapes import SHAPES

QUICK = {"time zones off", "auth absent"}

AFTER_DRF_3_16 = {"COERCE_BIGINT_TO_STRING", "DURATION_FORMAT", "LIST_SERIALIZER_ERRORS_AS_DICT"}
"""The settings of DRF that its oldest supported release lacks."""

VENDOR = connection.vendor if os.environ.get("TEST_DATABASE_URL") else "sqlite"


def marked(name):
    marks = []
    if SHAPES[name].database == "sqlite":
        marks = (
            [pytest.mark.own_server]
            if name in QUICK
            else [pytest.mark.own_server, pytest.mark.slow]
        )
    return pytest.param(name, id=name, marks=marks)


@pytest.mark.parametrize("name", [marked(name) for name in SHAPES])
def test_a_site_of_this_shape(name, tmp_path):
    shape = SHAPES[name]
    if shape.database not in ("sqlite", VENDOR):
        pytest.skip(f"needs TEST_DATABASE_URL of a {shape.database}")
    for module in shape.needs:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    if "redis" in shape.broadcast and "TEST_REDIS_URL" not in os.environ:
        pytest.skip("needs TEST_REDIS_URL")
    if shape.pooler:
        needed("pgbouncer")
    environment = {
        **site_environment(),
        **(clock_off_by(shape.clock) if shape.clock else {}),
        "SITE_ENVELOPES": str(tmp_path / "envelopes"),
        "DJANGO_SETTINGS_MODULE": "tests.sites.settings",
        "SITE_SHAPE": name,
        "SITE_DATABASE_NAME": f"site_{uuid.uuid4().hex[:12]}",
    }
    if shape.database == "sqlite":
        del environment["SITE_DATABASE_NAME"]
        environment.pop("TEST_DATABASE_URL", None)
    ran = subprocess.run(
        [sys.executable, "-m", "tests.sites.probe"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_default_of_drf_is_turned_against_us():
    assert set(HOSTILE) >= set(DEFAULTS)
    assert set(HOSTILE) - set(DEFAULTS) <= AFTER_DRF_3_16
