"""The way of the README from an empty folder to a flag that changes, as somebody pastes it."""

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

WAIT_SECONDS = 30


def blocks(language):
    section = README.partition("[start:try]")[2].partition("[end:try]")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])


def wait_for(condition):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Reader:
    """Somebody with an empty folder who pastes what the README says.

    The package is installed already, and the ports may be in use, so others take their place.
    """

    def __init__(self, folder):
        self.folder = folder
        self.ports = {"8000": free_port(), "8001": free_port()}
        names = [name for name in os.environ if name.startswith(("DJANGO_", "PYTEST_", "COV"))]
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in names},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
        }

    def here(self, text):
        for port, ours in self.ports.items():
            text = re.sub(rf"\b{port}\b", ours, text)
        return text

    def run(self, lines):
        script = self.here(lines).replace("python3 -m venv .venv && . .venv/bin/activate\n", "")
        script = script.replace("pip install django-vwo-webhooks\n", "")
        subprocess.run(
            ["sh", "-ec", script],
            cwd=self.folder,
            env=self.environment,
            timeout=120,
            check=True,
        )

    def append(self, name, code):
        with (self.folder / name).open("a") as file:
            file.write(self.here(code))

    @contextlib.contextmanager
    def server(self, line):
        arguments = shlex.split(self.here(line).replace("python ", f"{sys.executable} ", 1))
        process = subprocess.Popen(
            arguments, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(WAIT_SECONDS)

    def get(self, url):
        try:
            return requests.get(self.here(url), timeout=10).text
        except requests.ConnectionError:
            return ""


@pytest.mark.slow
def test_from_an_empty_folder_to_a_flag_that_changes(tmp_path):
    install, tables, simulator, site = blocks("sh")
    settings, urls = blocks("python")
    reader = Reader(tmp_path)
    reader.run(install)
    reader.append("shop/settings.py", settings)
    reader.append("shop/urls.py", urls)
    reader.run(tables)
    port = reader.ports["8000"]
    page = "http://127.0.0.1:8000/"
    # without its reloader, which would leave a process of its own behind
    with reader.server(simulator), reader.server(f"{site.strip()} {port} --noreload"):
        wait_for(lambda: reader.get(page) == "new_checkout is on: False")
        # the button of the simulator's page
        flag = {"key": "new_checkout", "enabled": "on"}
        requests.post(reader.here("http://127.0.0.1:8001/flags"), flag, timeout=10)
        wait_for(lambda: reader.get(page) == "new_checkout is on: True")
        with requests.Session() as browser:
            events = reader.here("http://127.0.0.1:8000/admin/django_vwo_webhooks/webhookevent/")
            login = browser.get(events, timeout=10)
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', login.text)[1]
            user = {"username": "admin", "password": "admin", "csrfmiddlewaretoken": token}
            trail = browser.post(login.url, user, timeout=10)
            assert (trail.url, trail.status_code) == (events, 200)
            assert "new_checkout" in trail.text
