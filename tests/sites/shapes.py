"""The shapes of sites that the probe runs in: each is an entry of ``SHAPES``."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.sites import parts
from tests.sites.hostile_drf import HOSTILE

PARTS = "tests.sites.parts"


@dataclass(frozen=True)
class Shape:
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings in place of those of ``tests.settings``."""
    without: tuple[str, ...] = ()
    """Apps that are not installed, with their middleware."""
    apps: tuple[str, ...] = ()
    """Further apps."""
    middleware: tuple[str, ...] = ()
    """Middleware of the site, the outermost."""
    database: str = "sqlite"
    """The vendor. For any other than SQLite the server of ``TEST_DATABASE_URL`` is used."""
    create: str = ""
    """What follows ``CREATE DATABASE name``."""
    options: dict[str, Any] = field(default_factory=dict)
    """``OPTIONS`` of the database."""
    broadcast: str = ""
    """The dotted path of the broadcast backend, in place of the default one."""
    pooler: bool = False
    """Whether the way to PostgreSQL leads through PgBouncer in transaction mode."""
    clock: str = ""
    """How far the site's clock is off: the ``FAKETIME`` of libfaketime."""
    imports: tuple[str, ...] = ()
    """Modules that the settings import."""
    serve: tuple[str, ...] = ()
    """``python -m`` this, with ``PORT`` for a free port: the probe then talks to that server."""
    chunked: bool = False
    """Whether deliveries are sent in chunks; for a served site."""
    admin: str = "admin"
    """The name of the admin site."""
    needs: tuple[str, ...] = ()
    """Modules without which the shape is skipped."""
    before: tuple[Callable[[Any], None], ...] = ()
    """What is checked before everything else; each gets the ``Site`` of the probe."""
    checks: tuple[Callable[[Any], None], ...] = ()
    """What is checked after everything else."""

    @property
    def has_admin(self) -> bool:
        return "django.contrib.admin" not in self.without


POSTGRES: dict[str, Any] = {"database": "postgresql", "needs": ("psycopg",)}
MARIADB: dict[str, Any] = {"database": "mysql", "needs": ("MySQLdb",)}
ADMIN = ("django.contrib.admin",)
BACKENDS = "django_vwo_webhooks.broadcast"
AUTH = (*ADMIN, "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages")


def gunicorn(*options: str) -> tuple[str, ...]:
    return ("gunicorn", "-b", "127.0.0.1:PORT", "-w", "1", *options, "tests.sites.wsgi")


SHAPES = {
    "time zones off": Shape({"USE_TZ": False, "TIME_ZONE": "America/New_York"}),
    "another time zone, thousand separators, another AdminSite": Shape(
        {
            "ROOT_URLCONF": "tests.sites.ops",
            "TIME_ZONE": "Asia/Kathmandu",
            "LANGUAGE_CODE": "de",
            "USE_I18N": True,
            "USE_THOUSAND_SEPARATOR": True,
        },
        admin="ops",
    ),
    "auth absent": Shape(
        {"REST_FRAMEWORK": {"UNAUTHENTICATED_USER": None}, "TEMPLATES": []},
        without=(*AUTH, "django.contrib.sessions"),
    ),
    "admin absent, DRF defaults turned against us": Shape(
        {"REST_FRAMEWORK": HOSTILE}, without=ADMIN
    ),
    "two databases and a replica": Shape(
        {"DATABASE_ROUTERS": [f"{PARTS}.OnOther"], "ATOMIC_REQUESTS": True}
    ),
    "chunked behind a reading middleware": Shape(
        without=ADMIN,
        middleware=(f"{PARTS}.ReadsChunks",),
        serve=gunicorn(),
        chunked=True,
    ),
    "gevent patched first and preloaded": Shape(
        without=ADMIN,
        serve=gunicorn("-k", "gevent", "-c", "python:tests.servers.gunicorn_gevent", "--preload"),
        needs=("gevent",),
    ),
    "sentry-sdk": Shape(
        without=ADMIN,
        imports=("tests.contrib.start_sentry",),
        serve=gunicorn(),
        needs=("sentry_sdk",),
        checks=(parts.sentry_gets_no_credential,),
    ),
    "half migrated at first": Shape(before=(parts.half_migrated,)),
    "a pool": Shape(
        database="postgresql",
        needs=("psycopg", "psycopg_pool"),
        options={"pool": {"min_size": 1, "max_size": 4, "timeout": 1}},
        apps=(f"{PARTS}.LeavesTransactionsOpen",),
        checks=(parts.pool_runs_dry,),
    ),
    **{
        f"PostgreSQL, isolation level {level}": Shape(
            **POSTGRES, options={"isolation_level": level}
        )
        for level in (2, 3, 4)  # read committed, repeatable read, serializable
    },
    "PostgreSQL, time zones off": Shape(
        {"USE_TZ": False, "TIME_ZONE": "America/New_York"}, **POSTGRES
    ),
    **{
        f"PgBouncer in transaction mode, {name}": Shape(
            **POSTGRES, pooler=True, broadcast=f"{BACKENDS}.{name.lower()}.{name}Broadcast"
        )
        for name in ("Database", "Redis", "Postgres")
    },
    **{
        f"{vendor}, a clock {name}": Shape(**database, clock=offset)
        for vendor, database in (("PostgreSQL", POSTGRES), ("MariaDB", MARIADB))
        for name, offset in (("behind", "-2h"), ("ahead", "+2h"))
    },
    "PostgreSQL in LATIN1": Shape(
        **POSTGRES, create="ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    ),
    "PostgreSQL in SQL_ASCII": Shape(
        **POSTGRES, create="ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    ),
    **{
        f"MariaDB, {level}": Shape(**MARIADB, options={"isolation_level": level})
        for level in ("read committed", "repeatable read", "serializable")
    },
    "MariaDB, time zones off": Shape({"USE_TZ": False, "TIME_ZONE": "America/New_York"}, **MARIADB),
    "MariaDB in utf8mb3": Shape(**MARIADB, create="CHARACTER SET utf8mb3"),
    "MariaDB in latin1": Shape(**MARIADB, create="CHARACTER SET latin1"),
}
"""To add a shape, add an entry; the probe and its test find it here."""
