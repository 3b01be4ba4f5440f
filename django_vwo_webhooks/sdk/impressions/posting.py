"""One POST of a batch to VWO, and what its answer says about the batch."""

import io
import itertools
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, NamedTuple

import requests
from wingify.constants.Constants import Constants
from wingify.enums.url_enum import UrlEnum
from wingify.services.settings_manager import SettingsManager
from wingify.services.url_service import UrlService

from ...process import PerProcess
from ..session import reason
from .gateway import event_headers, event_query

ABOUT_THE_CONTENT = (400, 413, 422)
"""The statuses with which a server refuses what is in a batch."""

POST_TIMEOUT_SECONDS = 3.0
"""The SDK's own, for posts."""

LARGEST_ANSWER_BYTES = 4096
"""How much of an answer is read, so that the connection can be used again."""

_sessions = PerProcess(requests.Session)


class Outcome(Enum):
    ACCEPTED = "VWO has the batch"
    REFUSED = "VWO does not want what is in the batch"
    NOT_NOW = "VWO has answered, and does not have the batch"
    UNSENT = "VWO can't have the batch"
    UNANSWERED = "VWO may have the batch"


class Answer(NamedTuple):
    outcome: Outcome
    text: str = ""
    """What went wrong, without the SDK key."""


class Destination(NamedTuple):
    """For whom an event is, and where it is posted."""

    account_id: str
    sdk_key: str
    scheme: str
    host: str
    """With the port, and the path of a proxy."""
    path: str
    is_gateway: bool = False
    """Whether it takes each event by itself, as a gateway does."""

    @classmethod
    def current(cls) -> "Destination":
        """That of the events that the SDK makes now."""
        manager = SettingsManager.get_instance()
        is_gateway = manager.is_gateway_service_provided
        endpoint = UrlEnum.EVENTS if is_gateway else UrlEnum.BATCH_EVENTS
        path = UrlService.get_endpoint_with_collection_prefix(
            endpoint=endpoint.value, is_gateway_service=is_gateway
        )
        return cls(
            str(manager.get_account_id()),
            manager.get_sdk_key(),
            manager.protocol,
            manager.get_events_hostname(),
            path,
            is_gateway,
        )

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"

    def query_and_headers(self, events: Sequence[bytes]) -> tuple[dict[str, Any], dict[str, str]]:
        """Those of the SDK where it posts these events."""
        query = {
            "a": self.account_id,
            "env": self.sdk_key,
            "sn": SettingsManager.get_instance().get_sdk_name(),
            "sv": Constants.SDK_VERSION,
        }
        headers = {"Content-Type": "application/json"}
        if self.is_gateway:
            event = json.loads(events[0])
            return query | event_query(event), headers | event_headers(event)
        return query, headers | {"Authorization": self.sdk_key}

    def body(self, events: Sequence[bytes]) -> bytes:
        """What is posted for these events."""
        return events[0] if self.is_gateway else b'{"ev": [' + b", ".join(events) + b"]}"


def post(destination: Destination, events: Sequence[bytes]) -> Answer:
    """Post the events once; never raises."""
    body = _Body(destination.body(events))
    try:
        query, headers = destination.query_and_headers(events)
        with _sessions().post(
            destination.url,
            params=query,
            data=body,
            headers=headers,
            timeout=POST_TIMEOUT_SECONDS,
            # following one would make a GET of the POST, and take its 200 for an answer to it
            allow_redirects=False,
            stream=True,
        ) as response:
            status = response.status_code
            with suppress(Exception):  # the status is all that matters
                _read_rest(response)
    except Exception as error:
        outcome = Outcome.UNANSWERED if body.was_read else Outcome.UNSENT
        return Answer(outcome, reason(error))
    if 200 <= status < 300:
        return Answer(Outcome.ACCEPTED)
    refused = status in ABOUT_THE_CONTENT
    # the SDK's words, for a flush callback that was written for them
    text = f"Failed with status code: {status}"
    return Answer(Outcome.REFUSED if refused else Outcome.NOT_NOW, text)


class _Body(io.BytesIO):
    """A body that notes when its sending begins: before that, VWO can't have what is in it."""

    was_read = False

    def read(self, size: int | None = -1) -> bytes:
        self.was_read = True
        return super().read(size)


def _read_rest(response: requests.Response) -> None:
    give_up_at = time.monotonic() + POST_TIMEOUT_SECONDS
    # byte by byte, since a longer read waits until all of it has come
    for _ in itertools.islice(response.iter_content(1), LARGEST_ANSWER_BYTES):
        if time.monotonic() > give_up_at:
            break
