"""The one room that imports the SDK, and the one place that imports the room."""

import ast
from pathlib import Path

import django_vwo_webhooks
from tests.conftest import run_site

PACKAGE = Path(django_vwo_webhooks.__file__).parent
MODULES = {
    str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")
}


def imports(tree):
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]


def top_names(node):
    """The packages that an import statement names; none for a relative one."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    return {node.module.split(".")[0]} if node.module and not node.level else set()


def test_only_this_room_imports_the_sdk():
    naming = {
        path
        for path, tree in MODULES.items()
        for node in imports(tree)
        if top_names(node) & {"vwo", "wingify"}
    }
    assert naming
    assert {Path(path).parts[0] for path in naming} == {"sdk"}


def test_only_load_sdk_imports_inside_a_function():
    late = {
        (path, function.name)
        for path, tree in MODULES.items()
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and imports(function)
    }
    assert late == {("sdk/__init__.py", "load_sdk")}


def test_the_sdk_is_imported_only_when_it_is_needed():
    ran = run_site(
        "import sys; from django.core.management import call_command\n"
        "call_command('check'); import django_vwo_webhooks.admin, django_vwo_webhooks.views\n"
        "print([m for m in ('vwo', 'wingify') if m in sys.modules])"
    )
    assert ran.stdout.strip().endswith("[]"), ran.stderr
