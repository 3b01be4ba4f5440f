"""The test kit in a site of its own, by each runner: green, and nothing printed but the results."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "testing" / "site"


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        # a coverage that is measured would print warnings of its own
        **{name: os.environ[name] for name in os.environ if not name.startswith(("PYTEST", "COV"))},
        "DJANGO_SETTINGS_MODULE": "tests.testing.site.settings",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("processes", ["0", pytest.param("2", marks=pytest.mark.slow)])
def test_with_pytest_and_with_xdist(processes: str, tmp_path: Path) -> None:
    plugins = ["-p", "no:cacheprovider", "-n", processes, "-W", "error"]
    command = ["pytest", "-c", os.devnull, "--rootdir", str(tmp_path), *plugins, "-q"]
    ran = run(*command, str(TESTS / "with_pytest.py"), folder=tmp_path)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\d+ passed in [\d.]+s$", ran.stdout.strip().splitlines()[-1]), ran.stdout
    assert not ran.stderr


@pytest.mark.parametrize("processes", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_with_djangos_runner_and_in_parallel(processes: str, tmp_path: Path) -> None:
    options = ["--pattern", "with_django.py", "--parallel", processes, "-v0"]
    ran = run("django", "test", *options, str(TESTS), "-t", str(ROOT), folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    results = re.sub(r"\d+ tests in [\d.]+s", "N tests", ran.stderr)
    assert results == f"{'-' * 70}\nRan N tests\n\nOK\n"
    assert ran.stdout == "System check identified no issues (0 silenced).\n"
