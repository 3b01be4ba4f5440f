"""The one web page of the simulator: the flags, VWO's mood and the last webhooks."""

from collections.abc import Sequence
from html import escape
from typing import Any

from django_vwo_webhooks.management.delivery import Delivery
from django_vwo_webhooks.testing.behaviour import PRESETS, Behaviour
from django_vwo_webhooks.testing.flags import FlagState
from django_vwo_webhooks.testing.variables import to_text

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
<label>New flag's key <input name="key" required></label>
<label><input type="checkbox" name="enabled" checked> On</label>
<button>Add</button>
</form>
<h2>What VWO should do</h2>
<form method="post" action="/behaviour">
<label>When its settings are asked for <select name="behaviour">{behaviours}</select></label>
<button>Save</button>
</form>
<h2>Last webhooks</h2>
{deliveries}
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
    deliveries: Sequence[Delivery],
    behaviour: Behaviour,
    problem: str = "",
) -> str:
    """Return the page as HTML; ``problem`` is told at the top."""
    return PAGE.format(
        problem=f'<p role="alert">{escape(problem)}</p>\n' if problem else "",
        flags="".join(map(_flag, flags)),
        behaviours=_behaviours(behaviour),
        deliveries=_deliveries(deliveries),
    )


def _flag(flag: FlagState) -> str:
    return FLAG.format(
        name=escape(flag.name),
        key=escape(flag.key),
        checked=" checked" if flag.enabled else "",
        percentage=flag.percentage,
        variables="".join(map(_variable, flag.variables)),
    )


def _variable(entry: dict[str, Any]) -> str:
    name, value = escape(f"variable:{entry['key']}"), to_text(entry["value"])
    if entry["type"] == "boolean":
        options = "".join(_option(one, one == value) for one in ("true", "false"))
        field = f'<select name="{name}">{options}</select>'
    else:
        field = f'<input name="{name}" value="{escape(value)}">'
    return f"<label>{escape(entry['key'])} ({escape(entry['type'])}) {field}</label>\n"


def _behaviours(behaviour: Behaviour) -> str:
    current = [name for name, preset in PRESETS.items() if preset == behaviour]
    other = "" if current else '<option value="" selected>set by the program</option>'
    return other + "".join(_option(name, name in current) for name in PRESETS)


def _option(name: str, selected: bool) -> str:
    return f"<option{' selected' if selected else ''}>{escape(name)}</option>"


def _deliveries(deliveries: Sequence[Delivery]) -> str:
    if not deliveries:
        return "<p>None yet.</p>"
    rows = "".join(map(_delivery, reversed(deliveries[-10:])))
    head = "<th>Action</th><th>Attempts</th><th>Last answer</th>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _delivery(delivery: Delivery) -> str:
    attempts = delivery.attempts
    last = "under way"
    if attempts:
        last = attempts[-1].error or f"HTTP {attempts[-1].status}"
    cells = (str(delivery.payload["action"]), str(len(attempts)), last)
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
