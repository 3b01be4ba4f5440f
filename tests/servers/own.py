"""Redis, PostgreSQL and MariaDB servers that a test may stop, start and kill: its own ones."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import site_environment
from tests.servers.running import free_port


class OwnServer:
    """A server process on a free port of this machine, with nothing in it."""

    def __init__(self, url: str, command: list[str], port: int, stop_signal: signal.Signals):
        self.url = url
        self._command = command
        self._port = port
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, again or for the first time, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                assert self._process.poll() is None, f"{self._command[0]} does not start"
                assert time.monotonic() < deadline, f"{self._command[0]} does not answer"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it as an operator does who restarts it: its clients are cut off."""
        self.send(self._stop_signal)
        if self._process is not None:
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, for instance SIGSTOP to have it hang."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


@contextlib.contextmanager
def own_redis() -> Iterator[OwnServer]:
    program = _needed("redis-server")
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with _running(OwnServer(f"redis://127.0.0.1:{port}/0", command, port, signal.SIGTERM)) as own:
        yield own


@contextlib.contextmanager
def own_postgres() -> Iterator[OwnServer]:
    program = _needed("postgres")
    with _folder("postgres") as folder:
        initdb = [str(Path(program).with_name("initdb")), "-A", "trust", "-U", "root", "-N"]
        subprocess.run([*_as("postgres"), *initdb, "-D", folder], check=True, capture_output=True)
        port = free_port()
        serve = [program, "-D", folder, "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
        url = f"postgresql://root@127.0.0.1:{port}/postgres"
        with _running(OwnServer(url, [*_as("postgres"), *serve], port, signal.SIGINT)) as own:
            yield own


@contextlib.contextmanager
def own_mariadb() -> Iterator[OwnServer]:
    program = _needed("mariadbd")
    with _folder("mysql") as folder:
        where = [f"--datadir={folder}/data", f"--socket={folder}/socket"]
        subprocess.run(
            [
                *_as("mysql"),
                _needed("mariadb-install-db"),
                "--no-defaults",
                where[0],
                "--auth-root-authentication-method=normal",
            ],
            check=True,
            capture_output=True,
        )
        port = free_port()
        serve = [program, "--no-defaults", *where, f"--port={port}", "--bind-address=127.0.0.1"]
        url = f"mysql://root@127.0.0.1:{port}/test"
        with _running(OwnServer(url, [*_as("mysql"), *serve], port, signal.SIGTERM)) as own:
            yield own


DATABASES = {"PostgreSQL": own_postgres, "MariaDB": own_mariadb}


def site_on(server: OwnServer) -> dict[str, str]:
    """What to add to the environment of a process of this test's site, migrated there."""
    name = server.url.rsplit("/", 1)[1]
    site = {"TEST_DATABASE_URL": server.url, "SITE_DATABASE_NAME": name}
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "-v0"], env=site_environment(**site), check=True
    )
    return site


@contextlib.contextmanager
def _running(own: OwnServer) -> Iterator[OwnServer]:
    own.start()
    try:
        yield own
    finally:
        own.send(signal.SIGCONT)
        own.stop()


@contextlib.contextmanager
def _folder(owner: str) -> Iterator[str]:
    """A new folder for a server that refuses to run as root."""
    with tempfile.TemporaryDirectory(prefix="own-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, owner)
        yield folder


def _as(user: str) -> list[str]:
    if os.geteuid() != 0:
        return []
    return [_needed("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def _needed(program: str) -> str:
    versions = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"))
    found = shutil.which(program) or (versions[-1] if versions else None)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found
