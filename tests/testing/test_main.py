"""``python -m django_vwo_webhooks.testing``."""

import json
import os
import subprocess
import sys
from typing import Any

import requests

from tests.testing.conftest import PULL, REAL


def test_it_runs_until_sigterm_and_needs_no_django_settings(tmp_path: Any) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(REAL))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    command = [sys.executable, "-m", "django_vwo_webhooks.testing", "--settings", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert requests.get(url + PULL, timeout=5).json() == REAL
        process.terminate()
        assert process.wait(5) == 0
