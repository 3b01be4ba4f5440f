"""What README and docs name exists: files, sections, tests, Python names, settings, commands.

What the README says to paste works.
"""

import ast
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import get_commands

from django_vwo_webhooks.checks import check_settings, check_urls
from django_vwo_webhooks.conf import EXAMPLES, VARIABLES
from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.signals import settings_refreshed
from django_vwo_webhooks.testing import VWOSimulator

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
    modules = (ROOT / "django_vwo_webhooks" / "checks").glob("*.py")
    code = "".join(module.read_text() for module in modules)
    ids = set(re.findall(r"\b[EW]\d{3}\b", code))
    section = README.partition("\n### Checks\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([EW]\d{3})`", section)) == ids


def test_every_command_is_in_the_readme():
    ours = {name for name, app in get_commands().items() if app == "django_vwo_webhooks"}
    assert {row.split()[0] for row in column("## Commands")} == ours


def blocks(page, language="python"):
    """The code blocks of a page, as they would be pasted."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", page, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(code) for _, code in found]


def block(*words, language="python"):
    """The only block of the README that contains these words."""
    [code] = [code for code in blocks(README, language) if all(word in code for word in words)]
    return code


def run_block(*words, **names):
    """The names of a module that ends with the block, and has ``names`` before it."""
    exec(block(*words), names)  # noqa: S102 - the README's own code
    return names


@each_page
def test_python_blocks_are_python(page):
    for code in blocks(page.read_text()):
        # lines of a dict are shown without the dict
        ast.parse(code if not code.startswith('"') else f"{{{code}}}")


def test_the_settings_to_paste_are_complete_once_the_variables_are_set(settings, monkeypatch):
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    settings.VWO_WEBHOOKS = run_block("INSTALLED_APPS", INSTALLED_APPS=[])["VWO_WEBHOOKS"]
    hints = " ".join(message.hint for message in check_settings(None))
    assert all(f"variable {name}," in hints for name in VARIABLES.values())
    for name in VARIABLES.values():
        monkeypatch.setenv(name, "0123456789abcdef")
    pasted = run_block("INSTALLED_APPS", INSTALLED_APPS=[])
    settings.VWO_WEBHOOKS = pasted["VWO_WEBHOOKS"]
    assert check_settings(None) == []
    assert set(pasted["INSTALLED_APPS"]) <= set(settings.INSTALLED_APPS)


def test_the_urls_to_paste_include_the_webhook(settings, monkeypatch):
    urls = ModuleType("urls_of_the_readme")
    vars(urls).update(run_block("urlpatterns", urlpatterns=[]))
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    assert check_urls(None)
    settings.ROOT_URLCONF = urls.__name__
    assert check_urls(None) == []


def test_the_receiver_to_paste_prints_changes(capsys):
    receiver = run_block("@receiver")["print_changes"]
    try:
        changes = [{"kind": "flag_on", "text": "new_checkout switched on"}]
        settings_refreshed.send(SettingsSnapshot, events=(), snapshot=None, changes=changes)
    finally:
        assert settings_refreshed.disconnect(receiver)
    assert capsys.readouterr().out == "flag_on new_checkout switched on\n"


def test_the_simulators_settings_are_those_that_it_prints(settings):
    line = block("django_vwo_webhooks.testing", language="sh")
    option = dict(re.findall(r"--([\w-]+) (\S+)", line))
    vwo = VWOSimulator(secret=option["secret"], port=int(option["port"]))
    settings.VWO_WEBHOOKS = run_block("proxy_url")["VWO_WEBHOOKS"]
    assert vwo.site_settings == settings.VWO_WEBHOOKS
    assert check_settings(None) == []


def test_the_broadcast_to_paste_is_valid(settings):
    pytest.importorskip("redis")
    site = {**settings.VWO_WEBHOOKS}
    settings.VWO_WEBHOOKS = run_block("RedisBroadcast", VWO_WEBHOOKS=site)["VWO_WEBHOOKS"]
    assert check_settings(None) == []
    assert "BROADCAST" in site


def test_the_tests_to_paste_pass(tmp_path):
    """In a site with the settings for tests of the README, by pytest, which runs TestCases too."""
    section = README.partition("\n## Test your site\n")[2].partition("\n## ")[0]
    pasted = blocks(section)
    site = [code for code in pasted if code.startswith("VWO_WEBHOOKS")]
    base = "from tests.testing.site.settings import *"
    (tmp_path / "site_settings.py").write_text("\n".join([base, *site]))
    tests = [code for code in pasted if code not in site]
    for number, code in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(code)
    options = [
        "-c",
        os.devnull,
        "--rootdir",
        str(tmp_path),
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-q", tmp_path],
        env={
            **{name: value for name, value in os.environ.items() if "PYTEST" not in name},
            "DJANGO_SETTINGS_MODULE": "site_settings",
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert len(site) == 1
    assert ran.returncode == 0, ran.stdout
    assert f"\n{len(tests)} passed in " in ran.stdout
    assert len(tests) == 4
