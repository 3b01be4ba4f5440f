"""The table has the options that the SDK's source reads, and the documentation has the table."""

import ast
import re
from pathlib import Path

import pytest
import wingify

from django_vwo_webhooks.sdk_options import OPTIONS
from django_vwo_webhooks.sdk_options.table import BY_NAME, GROUPS

SDK = Path(wingify.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "impressions.md"

HOLDERS = {
    "options": "",
    "self.options": "",
    "init_config": "",
    "batch_event_data": "batch_event_data.",
    "threading": "threading.",
    "threading_config": "threading.",
    "sdk_meta": "_vwo_meta.",
    "logger": "logger.",
}
"""What the SDK calls the options, and those that are dicts."""


def name_of(node):
    """The option that an expression reads: that of ``options.get("x", {}).get("y")`` is "x.y"."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        holder, keys = node.func.value, node.args[:1] if node.func.attr == "get" else []
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        holder, keys = node.value, [node.slice]
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
        holder, keys = node.comparators[0], [node.left]
    else:
        return None
    if not keys or not (isinstance(keys[0], ast.Constant) and isinstance(keys[0].value, str)):
        return None
    prefix = HOLDERS.get(ast.unparse(holder))
    if prefix is None:
        outer = name_of(holder)
        prefix = outer and f"{outer}."
    return None if prefix is None else f"{prefix}{keys[0].value}"


def options_in(source):
    return {name for node in ast.walk(ast.parse(source)) if (name := name_of(node))}


def options_of_the_sdk():
    return {
        name
        for path in SDK.rglob("*.py")
        # options of a request, and parts of a storage's rows
        if "network_layer" not in path.parts
        for name in options_in(path.read_text())
    }


def is_in_the_table(name):
    parent = name.rpartition(".")[0]
    return name in BY_NAME or (parent in BY_NAME and parent not in GROUPS)


def test_every_option_that_the_sdk_reads_is_in_the_table():
    found = options_of_the_sdk()
    missing = sorted(name for name in found if not is_in_the_table(name))
    assert not missing, f"the SDK reads options that are not in the table: {missing}"


def test_every_option_in_the_table_is_read_by_the_sdk():
    gone = sorted(set(BY_NAME) - options_of_the_sdk())
    assert not gone, f"the SDK no longer reads these options: {gone}"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('options.get("new")', "new"),
        ('self.options["new"]', "new"),
        ('"new" in options', "new"),
        ('options.get("integrations", {}).get("new")', "integrations.new"),
        ('options["gateway_service"]["new"]', "gateway_service.new"),
        ('batch_event_data.get("new")', "batch_event_data.new"),
    ],
)
def test_a_new_option_of_the_sdk_would_be_noticed(source, name):
    assert options_in(source) >= {name}
    assert not is_in_the_table(name)


def test_the_documentation_has_the_table():
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.+) \|$", DOCS.read_text(), re.MULTILINE)
    assert rows == [
        (option.name, "used" if option.is_used else "ignored", option.text) for option in OPTIONS
    ]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_each_example_can_be_written(option):
    if option.is_used:
        names = {"our_callback": lambda *args: None, "OurStorage": type("OurStorage", (), METHODS)}
        value = eval(option.example, names)  # noqa: S307 - from the table
        assert option.read(value) is not None


METHODS = {"get": lambda self, feature_key, user_id: None, "set": lambda self, data: None}
