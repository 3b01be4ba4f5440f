"""What is said in several places about a release agrees: versions, environments, workflows."""

import re
from configparser import ConfigParser
from itertools import product
from pathlib import Path

import pytest

import django_vwo_webhooks

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
SERVERS = {"py313-django61-postgres-redis", "py313-django61-mysql-redis"}
"""Those that need servers, which tox's own list leaves out."""

from_git = pytest.mark.skipif(not WORKFLOWS, reason="an sdist has no workflows")
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read_ini(name):
    parser = ConfigParser(interpolation=None)
    parser.read(ROOT / name)
    return parser


def expand(pattern):
    """``py3{10,11}-x`` as tox expands it."""
    parts = [part.split(",") for part in re.split(r"[{}]", pattern)]
    return {"".join(chosen) for chosen in product(*parts)}


def environments():
    lines = read_ini("tox.ini")["tox"]["env_list"].split()
    return set().union(*map(expand, lines))


def classifiers():
    return read_ini("setup.cfg")["metadata"]["classifiers"].strip().splitlines()


def classified(prefix):
    found = [re.fullmatch(rf"{prefix} :: (\d+\.\d+)", line) for line in classifiers()]
    return {match[1] for match in found if match}


def numbers(pattern):
    """Such as 3.10 for ``py310`` and 5.2 for ``django52``, in the names of the environments."""
    found = {number for name in environments() for number in re.findall(pattern, name)}
    return {f"{number[0]}.{number[1:]}" for number in found}


@from_git
def test_workflows_run_each_environment_of_tox_under_its_python():
    rows = re.findall(r"python: \"(.+)\", env: ([\w-]+)", (WORKFLOWS[-1]).read_text())
    assert sorted(name for _, name in rows) == sorted(environments())
    other = [(python, name) for python, name in rows if name.startswith("py")]
    assert not [row for row in other if f"py{row[0].replace('.', '')}" != row[1].split("-")[0]]


@from_git
def test_workflows_run_the_servers_and_what_is_upcoming():
    text = (ROOT / ".github/workflows/tests.yml").read_text()
    assert set(re.findall(r"env: ([\w-]+), url:", text)) == SERVERS
    assert re.search(r"^ +- cron: ", text, re.MULTILINE)
    [upcoming] = re.findall(r"tox run -e (py\d+-djangomain-sdknewest)$", text, re.MULTILINE)
    factors = re.findall(r"^(\w+): ", read_ini("tox.ini")["testenv"]["deps"], re.MULTILINE)
    assert set(upcoming.split("-")[1:]) <= set(factors)


def test_classifiers_are_what_tox_runs():
    assert classified("Programming Language :: Python") == numbers(r"\bpy(\d+)")
    assert classified("Framework :: Django") == numbers(r"django(\d+)")
    oldest = min(numbers(r"\bpy(\d+)"), key=lambda number: int(number.partition(".")[2]))
    assert read_ini("setup.cfg")["options"]["python_requires"] == f">={oldest}"


def test_the_lowest_versions_are_those_that_are_required():
    required = read_ini("setup.cfg")["options"]["install_requires"].split()
    lowest = read_ini("tox.ini")["testenv:py310-lowest"]["deps"].split()
    assert [name.split("==")[0] for name in lowest] == [name.split(">=")[0] for name in required]
    for pinned, least in zip(lowest, required, strict=True):
        assert re.fullmatch(rf"{re.escape(least.split('>=')[1])}(\.0)*", pinned.split("==")[1])


def test_the_changelog_begins_with_this_version():
    headings = re.findall(r"^## \[(.+?)\](.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [heading for heading in headings if heading[0] != "Unreleased"]
    version, date = released[0]
    assert version == django_vwo_webhooks.__version__
    assert re.fullmatch(r" - \d{4}-\d\d-\d\d", date)
    # as the file is called that the workflow of a release looks for
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version)


@from_git
def test_a_tag_publishes_the_version_that_it_names():
    text = (ROOT / ".github/workflows/release.yml").read_text()
    assert 'tags: ["v*"]' in text
    assert 'test -e "dist/django_vwo_webhooks-${GITHUB_REF_NAME#v}.tar.gz"' in text
    assert "id-token: write" in text


@each_workflow
def test_actions_are_pinned_by_their_commits(path):
    used = re.findall(r"uses: *(.+)", path.read_text())
    assert used
    assert not [name for name in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", name)]


@each_workflow
def test_workflows_have_the_least_permissions_and_no_secrets(path):
    text = path.read_text()
    assert re.search(r"^permissions:( {}|\n  contents: read\n\n)", text, re.MULTILINE)
    assert re.findall(r"[\w-]+: write", text) == ["id-token: write"] * (path.name == "release.yml")
    assert "secrets." not in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


@from_git
def test_hooks_run_the_linters_of_ci():
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    revisions = dict(re.findall(r"/([\w-]+)\n    rev: v?(.+)", text))
    dev = dict(
        re.findall(r"([\w-]+)>=([\d.]+)", read_ini("setup.cfg")["options.extras_require"]["dev"])
    )
    for hook, name in {"ruff-pre-commit": "ruff", "codespell": "codespell"}.items():
        assert revisions[hook].startswith(dev[name])
    assert "[--target-version, " + f'"{min(classified("Framework :: Django"))}"]' in text
