"""Starts sentry-sdk with a transport that appends to a file what it would send."""

import json
import os
from pathlib import Path
from typing import Any

import sentry_sdk
from sentry_sdk.transport import Transport


class FileTransport(Transport):
    def capture_envelope(self, envelope: Any) -> None:
        with Path(os.environ["SITE_ENVELOPES"]).open("ab") as file:
            file.write(envelope.serialize() + b"\n")


options = json.loads(os.environ.get("SITE_SENTRY", "{}"))
sentry_sdk.init(
    **{
        "dsn": "http://key@127.0.0.1:9/1",
        "transport": FileTransport,
        "traces_sample_rate": 1.0,
        **options,
    }
)
