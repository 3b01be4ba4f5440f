"""The simulator's web page: the flags, the faults to inject and the last webhooks."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from django_vwo_webhooks.management.outgoing import OutgoingWebhook
from django_vwo_webhooks.testing.editing import FlagState
from django_vwo_webhooks.testing.fault_injection import PRESETS, Behaviour

RELOADS_FOR_SECONDS = 3.0

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{reload}<title>VWO simulator</title>
<style>{style}</style>
</head>
<body>
<header><h1>VWO simulator</h1>
<p>{target}</p></header>
<main>
{problem}<section><h2>Flags</h2>
{flags}
<form method="post" action="/flags" class="line">
<label>Key of a new flag <input name="key" required></label>
<label><input type="checkbox" name="enabled" checked> On</label>
<button>Add</button>
</form></section>
<section><h2>Last webhooks</h2>
{webhooks}</section>
<section><h2>Fault injection</h2>
<form method="post" action="/behaviour" class="line">
<label>Response to requests for the settings <select name="behaviour">{behaviours}</select></label>
<button>Save</button>
</form></section>
</main>
</body>
</html>
"""

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent) }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1.5rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem }
.scroll { overflow-x: auto }
table { width: 100%; border-collapse: collapse }
td, th { padding: .5rem .75rem .5rem 0; text-align: left; border-bottom: 1px solid var(--line) }
td, tbody th { vertical-align: top } tbody th { font-weight: 600; overflow-wrap: anywhere }
td small, th small { display: block; font-weight: 400; opacity: .75 }
td label { display: flex; gap: .5rem; align-items: baseline; margin-bottom: .25rem }
td label span { min-width: 6rem; overflow-wrap: anywhere }
input, select, button { font: inherit; padding: .15rem .5rem }
input[type=number] { width: 5rem }
input[type=checkbox] { width: 1.2rem; height: 1.2rem }
.line { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-top: 1rem }
.good { color: light-dark(#17692b, #7ddc94) } .bad { color: light-dark(#a11616, #ff9c9c) }
[role=alert] { padding: .5rem .75rem; border: 1px solid; border-radius: .25rem }
"""

TABLE = """<div class="scroll"><table><thead><tr>{head}</tr></thead>
<tbody>{rows}</tbody></table></div>"""

FLAG = """<tr><th scope="row">{key}{name}</th>
<td><input type="checkbox" name="enabled" form="flag-{number}" aria-label="{key} is on"{checked}>
</td><td><input type="number" name="percentage" min="0" max="100" step="any" \
form="flag-{number}" aria-label="Percentage of {key}" value="{percentage}" required> %</td>
<td>{variables}</td>
<td><form method="post" action="/flags" id="flag-{number}">
<input type="hidden" name="key" value="{key}"><button>Save</button></form></td></tr>
"""


def render_page(
    flags: Sequence[FlagState],
    webhooks: Sequence[OutgoingWebhook],
    behaviour: Behaviour,
    webhook_url: str | None = None,
    problem: str = "",
) -> str:
    """Return the page as HTML, with ``problem`` shown at the top.

    It loads itself again while a webhook that was sent just now has not been delivered, and not for
    longer, since it would discard what somebody is typing.
    """
    since = time.time() - RELOADS_FOR_SECONDS
    is_sending = any(each.is_sending and each.created_at > since for each in webhooks)
    return PAGE.format(
        style=STYLE,
        reload='<meta http-equiv="refresh" content="1; url=/">\n' if is_sending else "",
        target=f"Webhooks go to {escape(webhook_url)}" if webhook_url else "No webhooks are sent",
        problem=f'<p role="alert" class="bad">{escape(problem)}</p>\n' if problem else "",
        flags=_flags(flags),
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


def _flags(flags: Sequence[FlagState]) -> str:
    if not flags:
        return "<p>None yet.</p>"
    names = ("Flag", "On", "Percentage", "Variables", "Save")
    rows = "".join(_flag(number, flag) for number, flag in enumerate(flags))
    return _table(names, rows)


def _table(names: Sequence[str], rows: str) -> str:
    return TABLE.format(head="".join(f'<th scope="col">{name}</th>' for name in names), rows=rows)


def _flag(number: int, flag: FlagState) -> str:
    return FLAG.format(
        number=number,
        name=f"<small>{escape(flag.name)}</small>" if flag.name != flag.key else "",
        key=escape(flag.key),
        checked=" checked" if flag.enabled else "",
        percentage=flag.percentage,
        variables="".join(_variable(number, entry) for entry in flag.variables) or "–",
    )


def _variable(number: int, entry: dict[str, Any]) -> str:
    value = _value_text(entry["value"])
    names = f'name="{escape("variable:" + entry["key"])}" form="flag-{number}"'
    if entry["type"] == "boolean":
        options = "".join(_option(text, text == value) for text in ("true", "false"))
        field = f"<select {names}>{options}</select>"
    else:
        field = f'<input {names} value="{escape(value)}">'
    label = f"{escape(entry['key'])}<small>{escape(entry['type'])}</small>"
    return f"<label><span>{label}</span> {field}</label>\n"


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
    return _table(("Sent at", "Action", "Attempts", "Last response"), rows)


def _webhook(webhook: OutgoingWebhook) -> str:
    attempts = webhook.attempts
    last, kind = "in progress", ""
    if attempts:
        last = attempts[-1].error or f"HTTP {attempts[-1].status}"
        kind = "good" if attempts[-1].succeeded else "bad"
    sent = datetime.fromtimestamp(webhook.created_at).strftime("%H:%M:%S")
    message = attempts[-1].message if attempts else ""
    cells = (escape(sent), escape(str(webhook.payload["action"])), str(len(attempts)))
    answer = f'<span class="{kind}">{escape(last)}</span>'
    if message:
        answer += f"<small>{escape(message)}</small>"
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, answer)) + "</tr>"
