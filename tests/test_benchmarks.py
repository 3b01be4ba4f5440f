"""``make bench`` runs, and writes its tables into the page; nothing here is about speed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.bench import duration

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"


@pytest.fixture
def copied(tmp_path):
    copied = tmp_path / "performance.md"
    copied.write_text(PAGE.read_text())
    return copied


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_a_table_is_measured_and_written_into_the_page(copied):
    ran = run("--only", "comparing", "--scale", "0.01", "--write", str(copied))
    assert ran.returncode == 0, ran.stderr
    written = copied.read_text()
    assert re.search(r"\| Machine \| \d+ cores, ", written)
    for line in filter(None, ran.stdout.splitlines()):
        assert line in written
    [heading] = re.findall(r"^## (.+)$", written, re.MULTILINE)
    assert heading == "Detecting changes"


def test_an_unknown_table_is_refused():
    ran = run("--only", "nothing")
    assert ran.returncode == 2
    assert "invalid choice: 'nothing'" in ran.stderr


def test_what_stands_between_the_comments_is_replaced(copied):
    page.write(copied, "first")
    page.write(copied, "second\n")
    written = copied.read_text()
    assert f"{page.BEGIN}\n\nsecond\n\n{page.END}" in written
    assert "first" not in written
    before, _, rest = PAGE.read_text().partition(page.BEGIN)
    assert written.startswith(before)
    assert written.endswith(rest.partition(page.END)[2])


@pytest.mark.parametrize("comment", [page.BEGIN, page.END])
def test_a_page_without_a_comment_is_left_alone(copied, comment):
    text = copied.read_text().replace(comment, "")
    copied.write_text(text)
    with pytest.raises(ValueError, match="must have one"):
        page.write(copied, "tables")
    assert copied.read_text() == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5.04, "5.04 s"),
        (0.9997, "1.00 s"),
        (0.9994, "999 ms"),
        (0.0123, "12.3 ms"),
        (4e-7, "0.400 µs"),
    ],
)
def test_a_duration_has_three_digits_and_the_unit_that_fits(seconds, text):
    assert duration(seconds) == text
