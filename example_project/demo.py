"""The main job, told as it happens: a webhook comes in, the flags are fresh, the trail says so."""

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


class NotTrue(Exception):
    """A sentence of the story did not hold."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--database", default="", help="a database URL instead of SQLite")
    parser.add_argument("--bell", default="", help="redis://host, or postgres, to ring with")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    # a shell that starts this in the background has it ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    flags = build_settings(feature("new_checkout", enabled=False, variables={"button": "Buy"}))
    with (
        tempfile.TemporaryDirectory(prefix="vwo-demo-") as folder,
        VWOSimulator(flags, secret=SECRET, sdk_key=SDK_KEY, port=free_port(8001)) as vwo,
    ):
        environment = {
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "DATABASE_URL": options.database or f"sqlite:///{folder}/demo.sqlite3",
            "BELL": options.bell,
            # apart from whatever else that database holds
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
                tell(vwo, server)
            except (NotTrue, requests.RequestException, TimeoutError) as error:
                sys.exit(f"\nNOT TRUE: {error}\n\n{server.log()}")
            if options.once:
                return
            print(f"\nShop       {server.url}/")
            print(f"Admin      {server.url}/admin/   user {name}, password {password}")
            print(f"Simulator  {vwo.url}/   change the flag there, and watch the shop")
            print("Ctrl-C ends it.", flush=True)
            _until_interrupted(server)


def tell(vwo: VWOSimulator, server: Server) -> None:
    from django_vwo_webhooks.models import WebhookEvent

    say("The shop as it stands", server.page())
    true("old checkout" in server.page(), "a flag that is off gives the old checkout")

    say("At VWO somebody switches new_checkout on", "and names the button “Buy with one click”")
    vwo.set_flag("new_checkout", enabled=True, variables={"button": "Buy with one click"})
    delivery = vwo.deliveries[-1]
    true(delivery.wait(20), "the webhook is answered 2xx")
    attempt = delivery.attempts[-1]
    say("Webhook sent", f"{attempt.status} after {attempt.seconds * 1000:.0f} ms")
    event = WebhookEvent.objects.ours().get()
    took = (event.refresh_seconds or 0) * 1000
    say("Refreshed", f"in {took:.0f} ms, settings {event.snapshot}")
    started = time.monotonic()
    pages = server.pages_until(lambda page: "Buy with one click" in page)
    seconds = time.monotonic() - started
    true(len(pages) == WORKERS, "every process of the site serves the new flag")
    say(
        "The shop now", f"{server.page()} — in {len(pages)} of {WORKERS} processes, {seconds:.1f} s"
    )
    trail(event)
    true(event.outcome == "changed" and event.deliveries == 1, "the trail says so")

    say("VWO is in trouble", "its settings server answers 500 while the flag is switched off")
    vwo.misbehave(status=500)
    vwo.set_flag("new_checkout", enabled=False)
    delivery = vwo.deliveries[-1]
    vwo.wait_for(lambda: delivery.attempts, timeout=20)
    say("Webhook sent", f"{delivery.attempts[0].status}, so VWO will ask again")
    true(delivery.attempts[0].status == 503, "a refresh that failed is not answered 2xx")
    true("new checkout" in server.page(), "the last known flags stay in force")
    say("The shop meanwhile", server.page())
    vwo.behave()
    true(delivery.wait(20), "the retry is answered 2xx")
    server.pages_until(lambda page: "old checkout" in page)
    say("VWO is well again", f"its retry came as attempt {len(delivery.attempts)}")
    event = WebhookEvent.objects.ours().latest("pk")
    trail(event)
    true(event.outcome == "changed", "the retry turned the same row into changed")
    true(event.deliveries == len(delivery.attempts), "each delivery is counted")
    true(WebhookEvent.objects.ours().count() == 2, "two events make two rows")


def trail(event: "WebhookEvent") -> None:
    changes = event.snapshot.changes if event.snapshot else []
    times = "once" if event.deliveries == 1 else f"{event.deliveries} times"
    say("The audit row", f"{event}: {event.outcome}, delivered {times}")
    for change in changes:
        say("", change["text"])


def say(what: str, text: str) -> None:
    print(f"{what:<42} {text}", flush=True)


def true(holds: bool, sentence: str) -> None:
    if not holds:
        raise NotTrue(sentence)


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
        sys.exit(f"NOT TRUE: {error}")
