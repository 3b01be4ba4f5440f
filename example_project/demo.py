"""Changes flags in a simulated VWO, and shows what the shop does with its webhooks."""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import requests
from demo_database import staff
from demo_server import WORKERS, Server, free_port

from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

if TYPE_CHECKING:
    from django_vwo_webhooks.models import WebhookEvent

SECRET = "demo-webhook-secret-0123456789"
SDK_KEY = "demo-sdk-key-0123456789"
HERE = Path(__file__).resolve().parent


class ExpectationFailed(Exception):
    """The app did not do what the demo shows; the message is what was expected."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="exit after the demonstration")
    parser.add_argument("--database", default="", help="a database URL instead of SQLite")
    parser.add_argument("--broadcast", default="", help="publish with redis://host or postgres")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    # a process that a shell starts in the background ignores Ctrl-C by default
    signal.signal(signal.SIGINT, signal.default_int_handler)
    flags = build_settings(feature("new_checkout", enabled=False, variables={"button": "Buy"}))
    with (
        tempfile.TemporaryDirectory(prefix="vwo-demo-") as folder,
        VWOSimulator(flags, secret=SECRET, sdk_key=SDK_KEY, port=free_port(8001)) as vwo,
    ):
        environment = {
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "DATABASE_URL": options.database or f"sqlite:///{folder}/demo.sqlite3",
            "BROADCAST": options.broadcast,
            # separates the demo's rows from all others in that database
            "VWO_ENVIRONMENT": f"demo-{secrets.token_hex(4)}",
            "VWO_ACCOUNT_ID": vwo.account_id,
            "VWO_SDK_KEY": SDK_KEY,
            "VWO_WEBHOOK_SECRET": SECRET,
            "VWO_PROXY_URL": vwo.url,
        }
        os.environ.update(environment)
        with (
            staff() as (name, password),
            Server(free_port(8000), Path(folder) / "server.log") as server,
        ):
            vwo.webhook_url = f"{server.url}/webhooks/vwo/"
            try:
                demonstrate(vwo, server)
            except ExpectationFailed as error:
                sys.exit(f"\nFAILED, expected: {error}\n\n{server.log()}")
            except (requests.RequestException, TimeoutError) as error:
                sys.exit(f"\nFAILED: {error}\n\n{server.log()}")
            if options.once:
                return
            print(f"\nShop       {server.url}/")
            print(f"Admin      {server.url}/admin/   user {name}, password {password}")
            print(f"Simulator  {vwo.url}/   change the flag there, and watch the shop")
            print("Press Ctrl-C to stop.", flush=True)
            _until_interrupted(server)


def demonstrate(vwo: VWOSimulator, server: Server) -> None:
    from django_vwo_webhooks.models import WebhookEvent

    show("The shop", server.page())
    expect("old checkout" in server.page(), "while the flag is off, the shop has the old checkout")

    show("Flag changed in VWO", "new_checkout switched on, button “Buy with one click”")
    vwo.set_flag("new_checkout", enabled=True, variables={"button": "Buy with one click"})
    delivery = vwo.deliveries[-1]
    expect(delivery.wait(20), "the webhook is answered with a 2xx")
    attempt = delivery.attempts[-1]
    show("Webhook delivered", f"HTTP {attempt.status} after {attempt.seconds * 1000:.0f} ms")
    event = WebhookEvent.objects.ours().get()
    refresh_milliseconds = (event.refresh_seconds or 0) * 1000
    show("Settings refreshed", f"settings {event.snapshot}, in {refresh_milliseconds:.0f} ms")
    started_at = time.monotonic()
    pages = server.pages_until(lambda page: "Buy with one click" in page)
    seconds = time.monotonic() - started_at
    expect(len(pages) == WORKERS, "every process of the site has the new flag")
    show("The shop now", server.page())
    show("", f"in {len(pages)} of {WORKERS} processes after {seconds:.1f} s")
    show_event(event)
    expect(event.outcome == "changed" and event.deliveries == 1, "one delivery is recorded")

    show("VWO fails", "its settings can't be fetched (HTTP 500) when the flag is switched off")
    vwo.misbehave(status=500)
    vwo.set_flag("new_checkout", enabled=False)
    delivery = vwo.deliveries[-1]
    vwo.wait_for(lambda: delivery.attempts, timeout=20)
    show("Webhook delivered", f"HTTP {delivery.attempts[0].status}, so VWO will retry")
    expect(delivery.attempts[0].status == 503, "a failed refresh is answered with a 503")
    expect("new checkout" in server.page(), "the last known flags stay in force")
    show("The shop meanwhile", server.page())
    vwo.behave()
    expect(delivery.wait(20), "a retry is answered with a 2xx")
    pages = server.pages_until(lambda page: "old checkout" in page)
    status = delivery.attempts[-1].status
    show("VWO recovers", f"HTTP {status} for attempt {len(delivery.attempts)}")
    show("The shop now", server.page())
    event = WebhookEvent.objects.ours().latest("pk")
    show_event(event)
    expect(event.outcome == "changed", "the retry changes the outcome of the same row")
    expect(event.deliveries == len(delivery.attempts), "every delivery is counted")
    expect(WebhookEvent.objects.ours().count() == 2, "there is one row for each of the two events")


def show_event(event: "WebhookEvent") -> None:
    changes = event.snapshot.changes if event.snapshot else []
    times = "once" if event.deliveries == 1 else f"{event.deliveries} times"
    show("Event recorded", f"{event}: {event.outcome}, delivered {times}")
    for change in changes:
        show("", change["text"])


def show(step: str, text: str) -> None:
    print(f"{step:<22} {text}", flush=True)


def expect(holds: bool, expectation: str) -> None:
    if not holds:
        raise ExpectationFailed(expectation)


def _until_interrupted(server: Server) -> None:
    try:
        server.process.wait()
    except KeyboardInterrupt:
        print()


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (requests.RequestException, subprocess.SubprocessError, TimeoutError) as error:
        sys.exit(f"FAILED: {error}")
