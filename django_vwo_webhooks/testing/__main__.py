"""``python -m django_vwo_webhooks.testing``: the simulator on its own, until Ctrl-C."""

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
        description="Plays VWO: serves flag settings and sends webhooks. Its URL has a web form.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: free)")
    parser.add_argument("--webhook-url", help="the site's URL that changes are told to")
    parser.add_argument("--secret", default="simulator-secret", help="the webhook's secret")
    parser.add_argument("--settings", type=Path, help="a JSON file with the settings document")
    parser.add_argument("--sdk-key", help="the only SDK key that is answered (default: any)")
    parser.add_argument("--account-id", help="the only account that is answered (default: any)")
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
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    try:
        simulator.start()
    except (OSError, OverflowError) as problem:
        parser.error(f"cannot listen on {options.host}:{options.port}: {problem}")
    print(f"VWO simulator at {simulator.url}", flush=True)
    asked_to_stop.wait()
    simulator.stop()


def _read(path: Path | None, parser: argparse.ArgumentParser) -> dict[str, object] | None:
    if path is None:
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        parser.error(f"cannot read {path}: {problem}")
    if not isinstance(document, dict):
        parser.error(f"{path} holds no JSON object")
    return document


if __name__ == "__main__":
    main()
