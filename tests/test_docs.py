"""What README and docs name exists: files, sections, tests, Python names, settings, commands."""

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

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
    """Whether a file defines or imports functions, classes or constants with these names."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    defined = {node.name for node in nodes if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    defined |= {node.id for node in nodes if isinstance(node, ast.Name)}
    defined |= {node.name for node in nodes if isinstance(node, ast.alias)}
    return defined.issuperset(names)


def first_file(paths):
    return next(filter(Path.is_file, paths), None)


def module(dotted):
    path = ROOT / dotted.replace(".", "/")
    return first_file([path.with_suffix(".py"), path / "__init__.py"])


def is_python_name(dotted):
    """Whether there is such a module, or such a name in a module."""
    package, _, name = dotted.rpartition(".")
    path = module(package)
    return module(dotted) is not None or (path is not None and defines(path, [name]))


def leads_somewhere(page, link):
    path, _, fragment = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not fragment or fragment in anchors(target))


@each_page
def test_relative_links_lead_to_files_and_sections(page):
    links = re.findall(r"\]\(([^)]+)\)", without_code_blocks(page.read_text()))
    relative = [link for link in links if "://" not in link]
    assert not [link for link in relative if not leads_somewhere(page, link)]


def named_files(page):
    """What a page names as in ``tests/test_docs.py::test_name`` or ``models/event.py: name``.

    ``::test_name`` alone is in the file that was named before it on the same line. Yields the
    whole name, the path if there is such a file, and the names inside it.
    """
    for line in page.read_text().splitlines():
        path = None
        for name in re.findall(r"`([\w/]+\.py(?:(?:::\w+)+|: \w+)?|(?:::\w+)+)`", line):
            file, *inside = re.split("::|: ", name)
            if file:
                path = first_file(folder / file for folder in FOLDERS)
            yield name, path, inside


@each_page
def test_files_that_are_named_exist_with_what_is_named_in_them(page):
    found = list(named_files(page))
    assert not [name for name, path, inside in found if not (path and defines(path, inside))]


@each_page
def test_modules_that_are_run_exist(page):
    text = page.read_text()
    names = re.findall(r"python -m ((?:benchmarks|django_vwo_webhooks)[\w.]*)", text)
    assert not [name for name in names if not (module(name) or module(f"{name}.__main__"))]


@each_page
def test_python_names_exist(page):
    """They are not imported, since a backend's library may not be installed."""
    text = page.read_text()
    names = re.findall(r"[`\"](django_vwo_webhooks\.[\w.]+)[`\"]", text)
    for module, imported in re.findall(r"from (django_vwo_webhooks[\w.]*) import ([\w, ]+)", text):
        names += [f"{module}.{name}" for name in imported.split(", ")]
    assert not [name for name in names if not is_python_name(name)]


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
