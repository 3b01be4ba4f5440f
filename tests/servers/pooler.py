"""PgBouncer before the PostgreSQL of the tests."""

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from tests.servers.own import OwnServer, as_user, needed, running_server
from tests.servers.running import free_port


@contextlib.contextmanager
def pgbouncer(pool_mode: str, **options: str) -> Iterator[OwnServer]:
    """Its ``url`` leads through it to this test's database."""
    program = needed("pgbouncer")
    site = connection.settings_dict
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        users, configuration = Path(folder, "users"), Path(folder, "pgbouncer.ini")
        users.write_text(f'"{site["USER"]}" "{site["PASSWORD"]}"\n')
        server = f"host={site['HOST']} port={site['PORT'] or 5432} dbname={site['NAME']}"
        lines = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(port),
            "auth_type": "trust",
            "auth_file": str(users),
            "unix_socket_dir": "",
            "pool_mode": pool_mode,
            **options,
        }
        text = "".join(f"{name} = {value}\n" for name, value in lines.items())
        configuration.write_text(f"[databases]\nsite = {server}\n[pgbouncer]\n{text}")
        for path in (users, configuration):
            path.chmod(0o644)
        url = f"postgresql://{site['USER']}@127.0.0.1:{port}/site"
        command = [*as_user("postgres"), program, "-q", str(configuration)]
        with running_server(OwnServer(url, command, port, signal.SIGINT)) as own:
            yield own
