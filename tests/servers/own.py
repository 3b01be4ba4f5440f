"""Redis, PostgreSQL and MariaDB servers that a test may stop, start and kill: its own ones."""

import atexit
import contextlib
import functools
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
from tests.settings import remove_folder


class OwnServer:
    """A server process on a free port of this machine, with nothing in it."""

    def __init__(self, url: str, command: list[str], port: int, stop_signal: signal.Signals):
        self.url = url
        self._command = command
        self._port = port
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, for the first time or again, and wait until it accepts connections."""
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
        """End it as for a restart: its clients are cut off."""
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
    program = needed("redis-server")
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with running_server(
        OwnServer(f"redis://127.0.0.1:{port}/0", command, port, signal.SIGTERM)
    ) as own:
        yield own


@contextlib.contextmanager
def own_postgres() -> Iterator[OwnServer]:
    with (
        _copy_of(_migrated_postgres(), "postgres") as folder,
        running_server(_postgres(folder)) as own,
    ):
        yield own


@contextlib.contextmanager
def own_mariadb() -> Iterator[OwnServer]:
    with _copy_of(_migrated_mariadb(), "mysql") as folder, running_server(_mariadb(folder)) as own:
        yield own


DATABASES = {"PostgreSQL": own_postgres, "MariaDB": own_mariadb}


def site_on(server: OwnServer) -> dict[str, str]:
    """What to add to the environment of a process of this test's site, so that it lives there."""
    name = server.url.rsplit("/", 1)[1]
    return {"TEST_DATABASE_URL": server.url, "SITE_DATABASE_NAME": name}


@functools.cache
def _migrated_postgres() -> str:
    folder = _new_folder("postgres")
    initdb = [str(Path(needed("postgres")).with_name("initdb")), "-A", "trust", "-U", "root", "-N"]
    subprocess.run([*as_user("postgres"), *initdb, "-D", folder], check=True, capture_output=True)
    with running_server(_postgres(folder)) as own:
        _migrate(own)
    return folder


def _postgres(folder: str) -> OwnServer:
    port = free_port()
    serve = [needed("postgres"), "-D", folder, "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
    url = f"postgresql://root@127.0.0.1:{port}/postgres"
    return OwnServer(url, [*as_user("postgres"), *serve], port, signal.SIGINT)


@functools.cache
def _migrated_mariadb() -> str:
    needed("mariadbd")
    folder = _new_folder("mysql")
    install = [needed("mariadb-install-db"), "--no-defaults", f"--datadir={folder}/data"]
    install += [f"--socket={folder}/socket", "--auth-root-authentication-method=normal"]
    subprocess.run([*as_user("mysql"), *install], check=True, capture_output=True)
    with running_server(_mariadb(folder)) as own:
        _migrate(own)
    return folder


def _mariadb(folder: str) -> OwnServer:
    port = free_port()
    serve = [needed("mariadbd"), "--no-defaults", f"--datadir={folder}/data"]
    serve += [f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1"]
    url = f"mysql://root@127.0.0.1:{port}/test"
    return OwnServer(url, [*as_user("mysql"), *serve], port, signal.SIGTERM)


def _migrate(server: OwnServer) -> None:
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "-v0"],
        env=site_environment(**site_on(server)),
        check=True,
    )


@contextlib.contextmanager
def running_server(own: OwnServer) -> Iterator[OwnServer]:
    own.start()
    try:
        yield own
    finally:
        own.send(signal.SIGCONT)
        own.stop()


@contextlib.contextmanager
def _copy_of(folder: str, owner: str) -> Iterator[str]:
    """A copy of what a server left in its folder, which is much sooner made than a new one."""
    copy = _new_folder(owner)
    try:
        subprocess.run(["cp", "-a", f"{folder}/.", copy], check=True)
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _new_folder(owner: str) -> str:
    """A new folder for a server that refuses to run as root."""
    folder = tempfile.mkdtemp(prefix="own-")
    atexit.register(remove_folder, Path(folder), os.getpid())
    if os.geteuid() == 0:
        shutil.chown(folder, owner)
    return folder


def as_user(user: str) -> list[str]:
    if os.geteuid() != 0:
        return []
    return [needed("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def needed(program: str) -> str:
    versions = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"))
    found = shutil.which(program) or (versions[-1] if versions else None)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found
