"""``python -m django_vwo_webhooks.testing``: runs the simulator on its own, until Ctrl-C."""

import argparse
import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from django_vwo_webhooks.management.outgoing import DeliveryAttempt
from django_vwo_webhooks.testing.simulator import VWOSimulator

SETTINGS = """VWO simulator at {url}

Let the site's settings end with:

VWO_WEBHOOKS = {{
{keys}
}}
"""

NOT_ASKED = (
    "This site has never asked the simulator for settings. Let its settings end with the lines "
    "above, and restart it."
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m django_vwo_webhooks.testing",
        description="Simulates VWO: serves settings and sends webhooks. "
        "Flags are changed on a web page at its URL.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any)")
    parser.add_argument("--webhook-url", help="URL to send webhooks to")
    parser.add_argument("--secret", default="simulator-secret", help="secret of the webhooks")
    parser.add_argument("--settings", type=Path, help="JSON file with the settings")
    parser.add_argument("--sdk-key", help="SDK key to accept (default: any)")
    parser.add_argument("--account-id", help="account id to accept (default: any)")
    options = parser.parse_args(arguments)
    simulator = VWOSimulator(
        _read(options.settings, parser),
        account_id=options.account_id,
        sdk_key=options.sdk_key,
        secret=options.secret,
        webhook_url=options.webhook_url,
        host=options.host,
        port=options.port,
        on_attempt=lambda attempt: log.write(attempt),
    )
    log = _AttemptLog(simulator)
    stop_requested = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop_requested.set())
    try:
        simulator.start()
    except (OSError, OverflowError) as problem:
        parser.error(f"cannot listen on {options.host}:{options.port}: {problem}")
    keys = simulator.site_settings.items()
    # the JSON of strings, and of dicts of strings, is Python code too
    lines = [f"    {json.dumps(key)}: {json.dumps(value)}," for key, value in keys]
    print(SETTINGS.format(url=simulator.url, keys="\n".join(lines)), flush=True)
    stop_requested.wait()
    simulator.stop()


class _AttemptLog:
    """Prints what the site answers to webhooks, and each lasting answer only once."""

    def __init__(self, simulator: VWOSimulator) -> None:
        self._simulator = simulator
        self._last = ""

    def write(self, attempt: DeliveryAttempt) -> None:
        answer = attempt.error or f"HTTP {attempt.status}"
        lines = [f"Webhook sent: {answer}" + (f", {attempt.message}" if attempt.message else "")]
        if attempt.status in {401, 503} and not self._simulator.fetches:
            lines.append(NOT_ASKED)
        if attempt.succeeded or lines[0] != self._last:
            print(*lines, sep="\n", flush=True)
        self._last = lines[0]


def _read(path: Path | None, parser: argparse.ArgumentParser) -> dict[str, object] | None:
    if path is None:
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        parser.error(f"cannot read {path}: {problem}")
    if not isinstance(document, dict):
        parser.error(f"{path} does not hold a JSON object")
    return document


if __name__ == "__main__":
    main()
