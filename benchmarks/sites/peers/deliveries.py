"""Deliveries that the views of other packages accept: signed as GitHub and Stripe sign theirs."""

import hashlib
import hmac
import json
import time
from importlib.util import find_spec

from benchmarks.bench import SECRET
from benchmarks.load import http_post, payload

STRIPE_ACCOUNT = "acct_1"
STRIPE_ENDPOINT = "00000000-0000-4000-8000-000000000001"


def installed() -> bool:
    return all(map(find_spec, ["django_github_app", "djstripe"]))


def github(number: int, secret: str = SECRET) -> bytes:
    body = json.dumps(payload(number)).encode()
    headers = {
        "X-Hub-Signature-256": f"sha256={_sign(secret, body)}",
        "X-GitHub-Event": "settings_changed",
        "X-GitHub-Delivery": str(number),
    }
    return http_post("/github/", body, headers)


def stripe(number: int, secret: str = SECRET) -> bytes:
    now = int(time.time())
    event = {
        "id": f"evt_{number}",
        "object": "event",
        "account": STRIPE_ACCOUNT,
        "api_version": "2026-05-27.dahlia",
        "created": now,
        "data": {"object": payload(number)},
        "livemode": False,
        "type": "settings.changed",
    }
    body = json.dumps(event).encode()
    signed = _sign(secret, f"{now}.".encode() + body)
    headers = {"Stripe-Signature": f"t={now},v1={signed}"}
    return http_post(f"/stripe/webhook/{STRIPE_ENDPOINT}/", body, headers)


def _sign(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
