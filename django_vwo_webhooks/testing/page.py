"""The simulator's web page: the flags, the faults to inject and the last webhooks."""

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from django_vwo_webhooks.management.outgoing import OutgoingWebhook
from django_vwo_webhooks.testing.editing import FlagState
from django_vwo_webhooks.testing.fault_injection import PRESETS, Behaviour

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>VWO simulator</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto }}
fieldset {{ margin: 0 0 1rem }} label {{ margin-right: 1rem }}
td, th {{ padding-right: 1.5rem; text-align: left }}
</style>
</head>
<body>
<main>
<h1>VWO simulator</h1>
{problem}<h2>Flags</h2>
{flags}<form method="post" action="/flags">
<label>Key of a new flag <input name="key" required></label>
<label><input type="checkbox" name="enabled" checked> On</label>
<button>Add</button>
</form>
<h2>Fault injection</h2>
<form method="post" action="/behaviour">
<label>Response to requests for the settings <select name="behaviour">{behaviours}</select></label>
<button>Save</button>
</form>
<h2>Last webhooks</h2>
{webhooks}
</main>
</body>
</html>
"""

FLAG = """<form method="post" action="/flags">
<fieldset>
<legend>{name} ({key})</legend>
<input type="hidden" name="key" value="{key}">
<label><input type="checkbox" name="enabled"{checked}> On</label>
<label>Percentage <input type="number" name="percentage" min="0" max="100" step="any" \
value="{percentage}" required></label>
{variables}<button>Save</button>
</fieldset>
</form>
"""


def render_page(
    flags: Sequence[FlagState],
    webhooks: Sequence[OutgoingWebhook],
    behaviour: Behaviour,
    problem: str = "",
) -> str:
    """Return the page as HTML, with ``problem`` shown at the top."""
    return PAGE.format(
        problem=f'<p role="alert">{escape(problem)}</p>\n' if problem else "",
        flags="".join(map(_flag, flags)),
        behaviours=_behaviours(behaviour),
        webhooks=_webhooks(webhooks),
    )


def read_flag_form(form: Mapping[str, str], flags: Sequence[FlagState]) -> dict[str, Any]:
    """Return the arguments for ``set_flag``; raises ``ValueError`` with what is wrong."""
    key = form.get("key", "").strip()
    if not key:
        raise ValueError("A flag needs a key")
    entries = [entry for flag in flags if flag.key == key for entry in flag.variables]
    share = float(form.get("percentage", "100"))
    return {
        "key": key,
        "enabled": "enabled" in form,
        "percentage": int(share) if share.is_integer() else share,
        "variables": {
            entry["key"]: _read_value(form[f"variable:{entry['key']}"], entry["type"])
            for entry in entries
            if f"variable:{entry['key']}" in form
        },
    }


def _read_value(text: str, variable_type: str) -> Any:
    if variable_type == "boolean":
        if text not in {"true", "false"}:
            raise ValueError(f"{text!r} is neither true nor false")
        return text == "true"
    if variable_type == "integer":
        return int(text)
    if variable_type == "double":
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"{text!r} is not a finite number")
        return number
    if variable_type == "json":
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError(f"{text!r} is not a JSON object")
        return value
    return text


def _flag(flag: FlagState) -> str:
    return FLAG.format(
        name=escape(flag.name),
        key=escape(flag.key),
        checked=" checked" if flag.enabled else "",
        percentage=flag.percentage,
        variables="".join(map(_variable, flag.variables)),
    )


def _variable(entry: dict[str, Any]) -> str:
    name, value = escape(f"variable:{entry['key']}"), _value_text(entry["value"])
    if entry["type"] == "boolean":
        options = "".join(_option(text, text == value) for text in ("true", "false"))
        field = f'<select name="{name}">{options}</select>'
    else:
        field = f'<input name="{name}" value="{escape(value)}">'
    return f"<label>{escape(entry['key'])} ({escape(entry['type'])}) {field}</label>\n"


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _behaviours(behaviour: Behaviour) -> str:
    current = [name for name, preset in PRESETS.items() if preset == behaviour]
    other = "" if current else '<option value="" selected>set by the program</option>'
    return other + "".join(_option(name, name in current) for name in PRESETS)


def _option(name: str, selected: bool) -> str:
    return f"<option{' selected' if selected else ''}>{escape(name)}</option>"


def _webhooks(webhooks: Sequence[OutgoingWebhook]) -> str:
    if not webhooks:
        return "<p>None yet.</p>"
    rows = "".join(map(_webhook, reversed(webhooks[-10:])))
    head = "<th>Action</th><th>Attempts</th><th>Last response</th>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _webhook(webhook: OutgoingWebhook) -> str:
    attempts = webhook.attempts
    last = "in progress"
    if attempts:
        last = attempts[-1].error or f"HTTP {attempts[-1].status}"
    cells = (str(webhook.payload["action"]), str(len(attempts)), last)
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
