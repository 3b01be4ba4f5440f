"""What README and docs name exists: files, sections, tests, Python names, settings, commands.

What they say to paste works. ``test_recipes`` runs the recipes, and ``test_readme`` the way of the
README from an empty folder to a flag that changes.
"""

import ast
import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import unicodedata
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from django.core.management import get_commands, load_command_class
from django.dispatch import Signal
from django.utils import timezone

from django_vwo_webhooks import signals
from django_vwo_webhooks.checks import check_settings, check_urls
from django_vwo_webhooks.conf import EXAMPLES, VARIABLES
from django_vwo_webhooks.models import FleetProcess, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.signals import settings_refreshed
from django_vwo_webhooks.testing import VWOSimulator, override_flags
from django_vwo_webhooks.testing import __main__ as simulator_command

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT, ROOT / "django_vwo_webhooks", ROOT / "example_project"]
"""What the paths in README and docs are relative to."""

OF_A_NEW_SITE = {"shop/settings.py", "shop/urls.py"}
"""What ``startproject`` makes."""

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
README = (ROOT / "README.md").read_text()
DOCS = {page.stem: page.read_text() for page in ROOT.glob("docs/*.md")}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def without_code_blocks(text):
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(page):
    return re.findall(r"^#+ (.+)$", without_code_blocks(page.read_text()), re.MULTILINE)


def github_anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def mkdocs_anchor(heading):
    ascii_only = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower())


def anchors(page):
    return {github_anchor(heading) for heading in headings(page)}


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
    if target.suffix == ".png":
        # Material shows one picture by day and another one by night
        return target.exists() and fragment in ("", "only-light", "only-dark")
    return target.exists() and (not fragment or fragment in anchors(target))


@pytest.mark.parametrize(
    "page",
    # its headings name versions and their dates, and nothing links to them
    [page for page in PAGES if page.name != "CHANGELOG.md"],
    ids=lambda page: page.name,
)
def test_headings_have_the_same_anchor_on_github_and_in_the_site(page):
    found = [github_anchor(heading) for heading in headings(page)]
    assert found == [mkdocs_anchor(heading) for heading in headings(page)]
    assert len(set(found)) == len(found)


def test_each_picture_is_shown_light_and_dark():
    for text in DOCS.values():
        for name in ("light", "dark"):
            other = {"light": "dark", "dark": "light"}[name]
            shown = re.findall(rf"!\[(.+)\]\(pictures/(\w+)-{name}\.png#only-{name}\)", text)
            assert all(
                f"![{alt}](pictures/{file}-{other}.png#only-{other})" in text for alt, file in shown
            )
        assert text.count("pictures/") == text.count("#only-")


def test_each_text_that_a_page_includes_is_there():
    included = re.findall(r'^--8<-- "([\w.]+)(?::(\w+))?"$', "\n".join(DOCS.values()), re.MULTILINE)
    assert ("CHANGELOG.md", "") in included
    for file, section in included:
        text = (ROOT / file).read_text()
        marks = [f"<!-- --8<-- [{mark}:{section}] -->" for mark in ("start", "end")]
        assert not section or all(text.count(mark) == 1 for mark in marks)


def test_included_texts_have_no_relative_link():
    """It would lead elsewhere from the page that includes the text."""
    sections = re.findall(r"\[start:(\w+)\] -->(.*?)<!-- --8<-- \[end:\1\]", README, re.DOTALL)
    assert {name for name, _ in sections} == {"what", "try", "connect"}
    assert not [name for name, text in sections if "](" in text]


@each_page
def test_what_belongs_to_a_list_is_indented_by_four_spaces(page):
    """So that it does in Python-Markdown, too, and not only on GitHub."""
    text = page.read_text()
    assert not re.findall(r"(?:^|\n\n) {1,3}\S.*", without_code_blocks(text))
    assert not re.findall(r"^(?: {1,3}| {5,})```.*", text, re.MULTILINE)


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
    assert not [
        name
        for name, path, inside in found
        if name not in OF_A_NEW_SITE and not (path and defines(path, inside))
    ]


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


def section(page, heading):
    """What follows a heading, up to the next one of its level or a higher one."""
    text = f"{DOCS[page]}\n".partition(f"\n{heading}\n")[2]
    assert text, f"docs/{page}.md has no {heading}"
    return re.split(rf"^#{{1,{heading.index(' ')}}} ", text, maxsplit=1, flags=re.MULTILINE)[0]


def column(page, heading):
    """The first cells of the first table under a heading."""
    text = section(page, heading)
    table = text[text.index("| --- |") :].partition("\n\n")[0]
    return re.findall(r"^\| `?([^`|]+?)`? [|(]", table, re.MULTILINE)[1:]


def test_every_setting_is_documented():
    assert column("settings", "## Settings") == list(EXAMPLES)


def test_every_broadcast_is_documented():
    package = ROOT / "django_vwo_webhooks" / "broadcast"
    found = {
        f".{path.stem}.{name}"
        for path in package.glob("*.py")
        for name in re.findall(r"^class (\w+Broadcast)\(", path.read_text(), re.MULTILINE)
    }
    assert set(column("settings", "## Broadcast backends")) == found


def test_every_check_is_documented():
    modules = (ROOT / "django_vwo_webhooks" / "checks").glob("*.py")
    code = "".join(module.read_text() for module in modules)
    ids = set(re.findall(r"\b[EW]\d{3}\b", code))
    assert set(re.findall(r"`([EW]\d{3})`", section("settings", "## Checks"))) == ids


def test_every_signal_is_documented():
    ours = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert set(column("signals", "## Signals")) == ours


def test_every_command_is_documented():
    ours = {name for name, app in get_commands().items() if app == "django_vwo_webhooks"}
    assert {row.split()[0] for row in column("signals", "## Commands")} == ours


def blocks(page, language="python"):
    """The code blocks of a page, as they would be pasted."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", page, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(code) for _, code in found]


def block(*words, page=README, language="python"):
    """The only block of the README, or of another page, that contains these words."""
    [code] = [code for code in blocks(page, language) if all(word in code for word in words)]
    return code


def run_block(*words, page=README, **names):
    """The names of a module that ends with the block, and has ``names`` before it."""
    exec(block(*words, page=page), names)  # noqa: S102 - the docs' own code
    return names


@each_page
def test_python_blocks_are_python(page):
    for code in blocks(page.read_text()):
        # lines of a dict are shown without the dict
        ast.parse(code if not code.startswith('"') else f"{{{code}}}")


def python_trees():
    for page in PAGES:
        for code in blocks(page.read_text()):
            yield page.name, ast.parse(code if not code.startswith('"') else f"{{{code}}}")


def settings_in(tree):
    """The keys and values of ``VWO_WEBHOOKS`` that a block of code sets."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        target = node.targets[0]
        if isinstance(target, ast.Subscript) and ast.unparse(target.value) == "VWO_WEBHOOKS":
            yield ast.literal_eval(target.slice), node.value
        elif ast.unparse(target) == "VWO_WEBHOOKS":
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                yield ast.literal_eval(key), value


SETTINGS = [
    pytest.param(key, value, id=f"{page}-{key}-{ast.unparse(value)}")
    for page, tree in python_trees()
    for key, value in settings_in(tree)
]


@pytest.mark.parametrize(("key", "value"), SETTINGS)
def test_settings_in_code_are_valid(key, value, settings):
    assert key in EXAMPLES
    try:
        constant = ast.literal_eval(value)
    except ValueError:
        return  # of an environment variable, which has a test of its own
    if "redis" in str(constant):
        pytest.importorskip("redis")
    settings.VWO_WEBHOOKS = {**settings.VWO_WEBHOOKS, key: constant}
    # the settings of these tests have a short secret
    assert not [each for each in check_settings(None) if each.id[-4:] not in ("W002",)]


def parser_of(command):
    return load_command_class(get_commands()[command], command).create_parser("manage.py", command)


COMMAND_LINES = sorted(
    {
        line
        for page in PAGES
        for language in ("sh", "text")
        for code in blocks(page.read_text(), language)
        for line in re.findall(r"\bmanage\.py (\w+.*)$", code, re.MULTILINE)
    }
)


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_command_lines_are_accepted(line):
    command, *arguments = shlex.split(line)
    parser_of(command).parse_args(arguments)


def test_command_lines_are_found():
    used = {line.split()[0] for line in COMMAND_LINES}
    assert {"vwo_kill_switch", "vwo_prune", "vwo_send_webhook", "vwo_status", "migrate"} <= used


@each_page
def test_commands_in_sentences_have_these_options(page):
    text = without_code_blocks(page.read_text())
    spans = re.findall(r"`((?:python )?manage\.py )?(\w+)( [^`]*)?`", text)
    for prefix, command, rest in spans:
        if not prefix and command not in get_commands():
            continue
        options = parser_of(command)._option_string_actions
        assert not set(re.findall(r"--[\w-]+", rest)) - set(options)


class Parsed(Exception):
    """The simulator's command line was accepted."""


def test_command_lines_of_the_simulator_are_accepted(monkeypatch, tmp_path):
    def stop(*arguments, **options):
        raise Parsed

    monkeypatch.setattr(simulator_command, "VWOSimulator", stop)
    monkeypatch.chdir(tmp_path)
    Path("settings.json").write_text("{}")
    code = "\n".join(code for page in PAGES for code in blocks(page.read_text(), "sh"))
    code = code.replace("\\\n", "")
    lines = re.findall(r"python -m django_vwo_webhooks\.testing (.*)", code)
    assert len(lines) >= 2
    for line in lines:
        with pytest.raises(Parsed):
            simulator_command.main(shlex.split(line))


def test_what_make_is_asked_for_and_extras_exist():
    makefile = (ROOT / "Makefile").read_text()
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for page in PAGES:
        code = page.read_text()
        for target in re.findall(r"(?:^|`|\$ )make ([a-z]+)\b", code, re.MULTILINE):
            assert f"\n{target}:" in makefile, (page, target)
        for extra in re.findall(r"django-vwo-webhooks\[(\w+)\]", code):
            assert extra in setup["options.extras_require"], (page, extra)


def test_commands_that_code_calls_exist_with_these_options():
    calls = [
        node
        for _, tree in python_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "call_command"
    ]
    assert calls
    for call in calls:
        options = {action.dest for action in parser_of(ast.literal_eval(call.args[0]))._actions}
        assert {keyword.arg for keyword in call.keywords} <= options


def is_ini(code):
    return bool(configparser.ConfigParser().read_string(code) is None)


def is_nginx(code):
    lines = [line.strip() for line in code.splitlines()]
    return code.count("{") == code.count("}") and all(line[-1:] in "{};" for line in lines)


def is_shell(code):
    return subprocess.run(["sh", "-n"], input=code, text=True, check=False).returncode == 0


LANGUAGES = {
    "python": lambda code: True,  # tested above
    "text": lambda code: True,
    "sh": is_shell,
    "ini": is_ini,
    "nginx": is_nginx,
    "json": json.loads,
}


@each_page
def test_each_block_is_in_its_language(page):
    text = page.read_text()
    fences = re.findall(r"^ *```(\w*)$", text, re.MULTILINE)
    opening, closing = fences[::2], fences[1::2]
    assert set(opening) <= set(LANGUAGES)
    assert not any(closing)
    for language in opening:
        assert all(LANGUAGES[language](code) for code in blocks(text, language))


def functions_and_calls(code):
    """The functions that a module defines, and the calls at its end, but not its imports."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Expr)
    found = [node for node in tree.body if isinstance(node, kinds)]
    return {
        ast.dump(node)
        for node in found
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }


@pytest.mark.parametrize(
    ("page", "words", "module"),
    [
        ("deployment", "get_wsgi_application", "early_wsgi"),
        ("deployment", "post_worker_init", "gunicorn_early"),
        ("deployment", "monkey", "gunicorn_gevent"),
        ("impressions", "lifespan", "asgi_flushing"),
    ],
)
def test_servers_of_the_tests_run_what_the_docs_have(page, words, module):
    code = block(words, page=DOCS[page])
    tested = (ROOT / "tests" / "servers" / f"{module}.py").read_text()
    assert functions_and_calls(code)
    assert functions_and_calls(code) == functions_and_calls(tested)


def test_the_settings_to_paste_are_complete_once_the_variables_are_set(settings, monkeypatch):
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    settings.VWO_WEBHOOKS = run_block("VWO_ACCOUNT_ID")["VWO_WEBHOOKS"]
    hints = " ".join(message.hint for message in check_settings(None))
    assert all(f"variable {name}," in hints for name in VARIABLES.values())
    for name in VARIABLES.values():
        monkeypatch.setenv(name, "0123456789abcdef")
    settings.VWO_WEBHOOKS = run_block("VWO_ACCOUNT_ID")["VWO_WEBHOOKS"]
    assert check_settings(None) == []
    pasted = run_block("INSTALLED_APPS", INSTALLED_APPS=[])
    assert set(pasted["INSTALLED_APPS"]) <= set(settings.INSTALLED_APPS)


def test_the_urls_to_paste_include_the_webhook(settings, monkeypatch):
    urls = ModuleType("urls_of_the_readme")
    vars(urls).update(run_block("urlpatterns", urlpatterns=[], __name__=urls.__name__))
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    assert check_urls(None)
    settings.ROOT_URLCONF = urls.__name__
    assert check_urls(None) == []


def test_the_receiver_to_paste_prints_changes(capsys):
    receiver = run_block("@receiver", page=DOCS["signals"])["print_changes"]
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
    settings.VWO_WEBHOOKS = run_block("proxy_url", INSTALLED_APPS=[])["VWO_WEBHOOKS"]
    assert vwo.site_settings == settings.VWO_WEBHOOKS
    assert check_settings(None) == []


def test_the_broadcast_to_paste_is_valid(settings):
    pytest.importorskip("redis")
    site = {**settings.VWO_WEBHOOKS}
    settings.VWO_WEBHOOKS = run_block("RedisBroadcast", page=DOCS["settings"], VWO_WEBHOOKS=site)[
        "VWO_WEBHOOKS"
    ]
    assert check_settings(None) == []
    assert "BROADCAST" in site


def test_the_flag_to_paste_decides_about_the_page():
    pasted = run_block("visitor_id", page=DOCS["flags"], visitor_id=lambda request: "ada")
    pasted["render"] = lambda request, *rendered: rendered
    with override_flags(new_checkout={"button": "Buy now"}):
        assert pasted["checkout"](None) == ("checkout.html", {"button": "Buy now"})
    with override_flags(new_checkout=False):
        assert pasted["checkout"](None) == ("old_checkout.html",)


@pytest.mark.django_db
def test_the_queries_to_paste_run():
    found = run_block("credential", page=DOCS["rotation"])
    assert found["WebhookEvent"] is WebhookEvent
    times = dict.fromkeys(("received_at", "last_received_at"), timezone.now())
    noted = {"first_noted": 0, "last_noted": 0}
    WebhookEvent.objects.create(
        remote_addr="192.0.2.1",
        triggered_by="ada@shop.example",
        payload={"event": "x"},
        **times,
        **noted,
    )
    FleetProcess.objects.write_heartbeat(FleetProcess.for_this_process())
    run_block("remote_addr=None", page=DOCS["security"])
    event = WebhookEvent.objects.get()
    assert (event.remote_addr, event.triggered_by, event.payload) == (None, "", {})


def test_the_broadcast_of_ones_own_to_paste_can_be_made():
    page = DOCS["fleet"]
    ours = run_block("class OurBroadcast", page=page)["OurBroadcast"]
    tests = run_block("BroadcastContract", page=page, OurBroadcast=ours)["TestOurBroadcast"]
    assert tests().make().pushes


class TestMovingOver:
    """What the docs say about the handler that VWO's page has."""

    @pytest.fixture
    def before(self, settings, monkeypatch):
        settings.VWO_ACCOUNT_ID, settings.VWO_SDK_KEY = "123456", "key"
        settings.VWO_WEBHOOK_SECRET = "the-secret"
        # what the SDK's client does where VWO can't be reached: nothing, and it says nothing
        client = SimpleNamespace(update_settings=lambda: None)
        monkeypatch.setitem(sys.modules, "vwo", SimpleNamespace(init=lambda options: client))
        return run_block("update_settings", page=DOCS["moving"])["vwo_webhook"]

    @pytest.mark.parametrize(
        ("headers", "status"),
        [({}, 200), ({"x-vwo-auth": "the-secret"}, 200), ({"x-vwo-auth": "another"}, 401)],
    )
    def test_before(self, before, rf, headers, status):
        request = rf.post("/", "{}", content_type="application/json", headers=headers)
        assert before(request).status_code == status

    def test_after(self, rf):
        checkout = run_block("get_client", page=DOCS["moving"])["checkout"]
        request = rf.get("/")
        request.session = SimpleNamespace(session_key="ada")
        with override_flags(new_checkout=True):
            assert json.loads(checkout(request).content) == {"new": True}


def test_the_tests_to_paste_pass(tmp_path):
    """In a site with the docs' settings for tests, by pytest, which runs TestCases too."""
    pasted = blocks(DOCS["testing"])
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
