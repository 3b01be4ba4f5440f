"""``python -m django_vwo_webhooks.testing``."""

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from django_vwo_webhooks.testing import VWOSimulator
from django_vwo_webhooks.testing.__main__ import NOT_ASKED
from tests.receiver import Receiver
from tests.testing.conftest import PULL, REAL


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    command = [sys.executable, "-m", "django_vwo_webhooks.testing", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()


def printed_settings(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The lines that the site's settings should end with, run as Python code."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != "}\n":
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    first = next(number for number, line in enumerate(lines) if line.startswith("VWO_WEBHOOKS"))
    found: dict[str, Any] = ast.literal_eval("".join(lines[first:]).partition(" = ")[2])
    return found


def test_it_runs_until_sigterm_and_needs_no_django_settings(tmp_path: Any) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(REAL))
    with running("--settings", str(file)) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert requests.get(url + PULL, timeout=5).json() == REAL
        process.terminate()
        assert process.wait(5) == 0


@pytest.mark.parametrize("secret", ["a-secret-0123456789", "with \"quotes\", 'more' and \\"])
def test_it_prints_the_settings_that_connect_a_site(secret: str, tmp_path: Any) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(REAL))
    with running("--settings", str(file), "--secret", secret) as process:
        site = printed_settings(process)
        assert site["SECRET"] == secret
        # those of the document, since they decide about variations
        assert (site["ACCOUNT_ID"], site["SDK_KEY"]) == ("7", "k")
        proxy_url = site["SDK_OPTIONS"]["proxy_url"]
        assert requests.get(proxy_url + PULL, timeout=5).json() == REAL


@pytest.mark.parametrize("refusal", [401, 503])
def test_it_prints_what_the_site_answers_and_what_it_lacks(
    refusal: int, receiver: Receiver
) -> None:
    receiver.statuses = [refusal, refusal, 200]
    with running("--webhook-url", receiver.url) as process:
        assert process.stdout is not None
        url = printed_settings(process)["SDK_OPTIONS"]["proxy_url"]
        requests.post(f"{url}/flags", data={"key": "new_checkout", "enabled": "on"}, timeout=5)
        lines = iter(process.stdout.readline, "")
        printed = [line.strip() for line in lines_until("HTTP 200", lines)]
    assert printed == [
        "",
        f"Webhook sent: HTTP {refusal}, settings refreshed",
        NOT_ASKED,
        "Webhook sent: HTTP 200, settings refreshed",
    ]


def lines_until(text: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if text in line:
            return


def test_attempts_are_reported_in_code_too(receiver: Receiver) -> None:
    attempted = threading.Event()
    with VWOSimulator(webhook_url=receiver.url, on_attempt=lambda _: attempted.set()) as vwo:
        vwo.send_webhook()
        assert attempted.wait(5)
