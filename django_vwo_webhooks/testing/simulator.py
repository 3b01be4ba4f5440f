"""A local server that plays VWO's side: settings, impressions and webhooks."""

import copy
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from django_vwo_webhooks.management.delivery import Delivery, webhook_payload
from django_vwo_webhooks.testing.behaviour import Behaviour
from django_vwo_webhooks.testing.flags import change_flag
from django_vwo_webhooks.testing.mood import Mood
from django_vwo_webhooks.testing.outbox import Outbox
from django_vwo_webhooks.testing.records import EventRequest, Fetch, Records
from django_vwo_webhooks.testing.routes import Routes
from django_vwo_webhooks.testing.server import Server
from django_vwo_webhooks.testing.settings_builder import (
    DEFAULT_ACCOUNT_ID,
    DEFAULT_SDK_KEY,
    build_settings,
)


class VWOSimulator(Mood, Records):
    """Plays VWO for tests and for work without an account; use it in a ``with`` block.

    ``account_id`` and ``sdk_key`` are checked in each fetch when given. Without ``settings`` a
    document without flags is served. With ``webhook_url`` each change by ``set_flag`` sends a
    webhook. ``port`` 0 takes a free one. Times are in seconds.
    """

    def __init__(
        self,
        settings: Mapping[str, Any] | None = None,
        *,
        account_id: str | None = None,
        sdk_key: str | None = None,
        secret: str = "simulator-secret",  # noqa: S107 - opens nothing outside tests
        webhook_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        retry_seconds: tuple[float, float] = (1.0, 2.0),
        give_up_seconds: float = 3600,
    ) -> None:
        super().__init__()
        self._expected = {"a": account_id, "i": sdk_key}
        self.account_id = account_id or DEFAULT_ACCOUNT_ID
        self.sdk_key = sdk_key or DEFAULT_SDK_KEY
        self.secret = secret
        self.webhook_url = webhook_url
        self.retry_seconds = retry_seconds
        self.give_up_seconds = give_up_seconds
        empty = build_settings(account_id=self.account_id, sdk_key=self.sdk_key)
        self._settings = copy.deepcopy(dict(empty if settings is None else settings))
        self._host, self._port = host, port
        self._server: Server | None = None
        self._lock = threading.Lock()
        self._outbox = Outbox()

    def __enter__(self) -> "VWOSimulator":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> "VWOSimulator":
        """Listen from now on; raises ``OSError`` when the port is taken."""
        self.accept()
        return self

    def stop(self) -> None:
        """Cut every answer and webhook under way, and leave no thread."""
        self.refuse()
        self._outbox.stop()

    def refuse(self) -> None:
        """Close the listening socket and every connection: the port refuses from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def accept(self) -> None:
        """Listen again on the same port; nothing happens when it listens already."""
        if self._server is None:
            self._server = Server((self._host, self._port), Routes(self))
            self._port = self._server.server_port

    @property
    def url(self) -> str:
        """Where the simulator listens, for the SDK's option ``proxy_url``."""
        if not self._port:
            raise RuntimeError("The simulator has no URL before start()")
        return f"http://{self._host}:{self._port}"

    @property
    def settings(self) -> dict[str, Any]:
        """A copy of the document now served; assign another to serve that."""
        with self._lock:
            return copy.deepcopy(self._settings)

    @settings.setter
    def settings(self, document: Mapping[str, Any]) -> None:
        with self._lock:
            self._settings = copy.deepcopy(dict(document))

    def set_flag(
        self,
        key: str,
        *,
        enabled: bool | None = None,
        percentage: float | None = None,
        variables: Mapping[str, Any] | None = None,
        notify: bool = True,
    ) -> Delivery | None:
        """Change a flag as somebody at VWO's dashboard would; None leaves a thing as it is.

        Creates what is unknown, flag or variable. Returns the webhook on its way, or None
        without ``webhook_url`` or ``notify``. Raises ``ValueError`` for a percentage out of
        range and ``TypeError`` for a variable that VWO has no type for.
        """
        with self._lock:
            document = copy.deepcopy(self._settings)
            change_flag(document, key, enabled=enabled, percentage=percentage, variables=variables)
            self._settings = document
        return self.send_webhook() if notify and self.webhook_url else None

    def send_webhook(
        self,
        action: str = "feature_flag_updated",
        event: str = "settings_changed",
        triggered_by: str = "vwo",
        timestamp: int | None = None,
        *,
        url: str | None = None,
        secret: str | None = None,
        **extra: Any,
    ) -> Delivery:
        """Send a webhook in the background, again and again until a 2xx, the end or ``stop``.

        ``extra`` goes into the payload. Raises ``ValueError`` without a URL to send it to.
        """
        delivery = Delivery(
            url or self.webhook_url or "",
            webhook_payload(action, event, triggered_by, timestamp, **extra),
            self.secret if secret is None else secret,
            on_attempt=lambda _: self._notify(),
        )
        self._outbox.send(delivery, self.retry_seconds, self.give_up_seconds)
        return delivery

    @property
    def deliveries(self) -> list[Delivery]:
        """The webhooks sent so far, oldest first."""
        return self._outbox.deliveries

    def knows(self, query: Mapping[str, str]) -> bool:
        """Whether a fetch names the right SDK key and account, where they were given."""
        return all(query.get(name) == value for name, value in self._expected.items() if value)

    def record_fetch(self, fetch: Fetch) -> tuple[dict[str, Any], Behaviour]:
        """Write down a fetch; return the document as of now, and how to answer."""
        with self._lock:
            document, behaviour = self._settings, self._next_behaviour()
        self._add_fetch(fetch)
        return document, behaviour

    def record_events(self, request: EventRequest) -> Behaviour:
        """Write down a post of events, and return how to answer it."""
        behaviour = self.events_behaviour
        self._add_events(request, accepted=(behaviour.status or 200) < 300)
        return behaviour
