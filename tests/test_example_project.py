"""The example's own tests, by ``manage.py test`` as somebody runs them who copies it.

Each of its requests is a transaction, inside that of a TestCase, on a database in memory.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "example_project"


def test_the_tests_of_the_example_pass_and_log_no_failure() -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "test"],
        cwd=EXAMPLE,
        env={
            **{name: os.environ[name] for name in os.environ if not name.startswith("COV")},
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "DATABASE_URL": "sqlite:///not-used.sqlite3",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^Ran [1-9]\d* tests", ran.stderr, re.MULTILINE)
    assert "WARNING" not in ran.stderr
    assert "Traceback" not in ran.stderr
