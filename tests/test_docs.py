"""What README and docs name exists: files, sections, tests, Python names, settings, commands."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.utils.module_loading import import_string

from django_vwo_webhooks.conf import EXAMPLES

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT, ROOT / "django_vwo_webhooks", ROOT / "example_project"]
"""What the paths in README and docs are relative to."""

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
README = (ROOT / "README.md").read_text()

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def without_code_blocks(text):
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page):
    """The fragments that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", without_code_blocks(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def defines(path, names):
    """Whether a file defines functions, classes or constants with these names."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    defined = {node.name for node in nodes if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    defined |= {node.id for node in nodes if isinstance(node, ast.Name)}
    return defined.issuperset(names)


@each_page
def test_relative_links_lead_to_files_and_sections(page):
    broken = []
    for link in re.findall(r"\]\(([^)]+)\)", without_code_blocks(page.read_text())):
        if "://" in link:
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert not broken


@each_page
def test_files_that_are_named_exist_with_what_is_named_in_them(page):
    """As in ``tests/test_docs.py::test_name`` and ``models/event.py: name``.

    ``::test_name`` alone is in the file that was named before it on the same line.
    """
    missing = []
    for line in page.read_text().splitlines():
        path = None
        for name in re.findall(r"`([\w/]+\.py(?:(?:::\w+)+|: \w+)?|(?:::\w+)+)`", line):
            file, *inside = re.split("::|: ", name)
            if file:
                paths = [folder / file for folder in FOLDERS]
                path = next(filter(Path.is_file, paths), None)
            if path is None or not defines(path, inside):
                missing.append(name)
    assert not missing


@each_page
def test_modules_that_are_run_exist(page):
    modules = re.findall(r"python -m ((?:benchmarks|django_vwo_webhooks)[\w.]*)", page.read_text())
    paths = [ROOT / module.replace(".", "/") for module in modules]
    runnable = [
        (path / "__main__.py").exists() or path.with_suffix(".py").exists() for path in paths
    ]
    assert all(runnable), modules


@each_page
def test_python_names_can_be_imported(page):
    text = page.read_text()
    imported = re.findall(
        r"^ *from (django_vwo_webhooks[\w.]*) import ([\w, ]+)$", text, re.MULTILINE
    )
    paths = [f"{module}.{name}" for module, names in imported for name in names.split(", ")]
    paths += re.findall(r'"(django_vwo_webhooks\.[\w.]+)"', text)
    for path in paths:
        if path != "django_vwo_webhooks.urls":
            import_string(path)


def column(heading):
    """The first cells of the table that follows a heading of the README."""
    section = README.partition(f"\n{heading}\n")[2]
    table = section[section.index("| --- |") :].partition("\n\n")[0]
    return re.findall(r"^\| `?([^`|]+?)`? \|", table, re.MULTILINE)[1:]


def test_every_setting_is_in_the_readme():
    assert column("## Settings") == list(EXAMPLES)


def test_every_check_is_in_the_readme():
    code = (ROOT / "django_vwo_webhooks" / "checks.py").read_text()
    ids = set(re.findall(r"\b[EW]\d{3}\b", code))
    section = README.partition("\n### Checks\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([EW]\d{3})`", section)) == ids


def test_every_command_is_in_the_readme():
    ours = {name for name, app in get_commands().items() if app == "django_vwo_webhooks"}
    assert {row.split()[0] for row in column("## Commands")} == ours
