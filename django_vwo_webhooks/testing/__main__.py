"""``python -m django_vwo_webhooks.testing``: runs the simulator on its own, until Ctrl-C."""

import argparse
import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from django_vwo_webhooks.testing.simulator import VWOSimulator


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
    )
    stop_requested = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop_requested.set())
    try:
        simulator.start()
    except (OSError, OverflowError) as problem:
        parser.error(f"cannot listen on {options.host}:{options.port}: {problem}")
    print(f"VWO simulator at {simulator.url}", flush=True)
    stop_requested.wait()
    simulator.stop()


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
