"""A local server that plays VWO's side: settings, impressions and webhooks."""

import copy
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from django_vwo_webhooks.management.outgoing import (
    DeliveryAttempt,
    OutgoingWebhook,
    webhook_payload,
)
from django_vwo_webhooks.testing.documents import (
    DEFAULT_ACCOUNT_ID,
    DEFAULT_SDK_KEY,
    build_settings,
)
from django_vwo_webhooks.testing.editing import change_flag
from django_vwo_webhooks.testing.fault_injection import Behaviour, FaultInjection
from django_vwo_webhooks.testing.isolation import end_vwo
from django_vwo_webhooks.testing.records import EventRequest, Fetch, Records
from django_vwo_webhooks.testing.routes import Routes
from django_vwo_webhooks.testing.server import STOP_SECONDS, Server
from django_vwo_webhooks.under_test import test_run


class VWOSimulator(FaultInjection, Records):
    """Stands in for VWO in tests and in development; use it in a ``with`` block.

    ``account_id`` and ``sdk_key``, if given, are checked in each fetch. Without ``settings``, a
    document without flags is served. With ``webhook_url``, each change by ``set_flag`` sends a
    webhook, which is retried after a random time within ``retry_seconds`` until it is answered
    with a 2xx or ``give_up_seconds`` have passed. ``on_attempt`` is called after each attempt, in
    the thread that sends. ``port`` 0 means any free port.

    ``account_id`` and ``sdk_key`` are otherwise those in ``settings``.
    """

    def __init__(
        self,
        settings: Mapping[str, Any] | None = None,
        *,
        account_id: str | None = None,
        sdk_key: str | None = None,
        secret: str = "simulator-secret",  # noqa: S107 - of no use outside tests
        webhook_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        retry_seconds: tuple[float, float] = (1.0, 2.0),
        give_up_seconds: float = 3600,
        on_attempt: Callable[[DeliveryAttempt], None] | None = None,
    ) -> None:
        super().__init__()
        self._expected = {"a": account_id, "i": sdk_key}
        served = settings or {}
        self.account_id: str = account_id or str(served.get("accountId") or DEFAULT_ACCOUNT_ID)
        self.sdk_key: str = sdk_key or str(served.get("sdkKey") or DEFAULT_SDK_KEY)
        self.secret = secret
        self.webhook_url = webhook_url
        self.retry_seconds = retry_seconds
        self.give_up_seconds = give_up_seconds
        self._on_attempt = on_attempt
        empty = build_settings(account_id=self.account_id, sdk_key=self.sdk_key)
        self._settings = copy.deepcopy(dict(empty if settings is None else settings))
        self._host, self._port = host, port
        self._server: Server | None = None
        self._lock = threading.Lock()
        self._sending: list[tuple[OutgoingWebhook, threading.Thread]] = []

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
        """Start to listen; raises ``OSError`` when the port is in use."""
        self.accept()
        return self

    def stop(self) -> None:
        """Cut every connection, stop sending webhooks and end every thread.

        In a test run, the client of this process ends what it does: it may have used this.
        """
        if test_run:
            end_vwo()
        self.refuse()
        with self._lock:
            unfinished = [pair for pair in self._sending if pair[1].is_alive()]
        for webhook, _ in unfinished:
            webhook.cancel()
        give_up_at = time.monotonic() + STOP_SECONDS
        for _, thread in unfinished:
            thread.join(max(0.0, give_up_at - time.monotonic()))

    def refuse(self) -> None:
        """Close the listening socket and every connection: further connections are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def accept(self) -> None:
        """Listen again on the same port; does nothing when it is already listening."""
        if self._server is None:
            self._server = Server((self._host, self._port), self.routes())
            self._port = self._server.server_port

    def routes(self) -> Routes:
        """What responds to requests."""
        return Routes(self)

    @property
    def url(self) -> str:
        """The address of the simulator, for the SDK's option ``proxy_url``."""
        if not self._port:
            raise RuntimeError("The simulator has no URL before start()")
        return f"http://{self._host}:{self._port}"

    @property
    def site_settings(self) -> dict[str, Any]:
        """The keys of ``VWO_WEBHOOKS`` that connect a site to this simulator."""
        return {
            "ACCOUNT_ID": self.account_id,
            "SDK_KEY": self.sdk_key,
            "SECRET": self.secret,
            "SDK_OPTIONS": {"proxy_url": self.url},
        }

    @property
    def settings(self) -> dict[str, Any]:
        """A copy of the document that is served; assign to it to serve another one."""
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
    ) -> OutgoingWebhook | None:
        """Change a flag as in VWO's dashboard; an argument of None changes nothing.

        Creates a flag or variable that does not exist. Returns the webhook that is being sent,
        or None without ``webhook_url`` or ``notify``. Raises ``ValueError`` for a percentage out
        of range and ``TypeError`` for a variable of a type that VWO does not have.
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
    ) -> OutgoingWebhook:
        """Send a webhook in the background, and retry until a 2xx, the time limit or ``stop``.

        ``extra`` is added to the payload. Raises ``ValueError`` without a URL to send it to.
        """
        webhook = OutgoingWebhook(
            url or self.webhook_url or "",
            webhook_payload(action, event, triggered_by, timestamp, **extra),
            self.secret if secret is None else secret,
            on_attempt=self._attempted,
        )
        thread = threading.Thread(
            target=webhook.run,
            args=(self.retry_seconds, self.give_up_seconds),
            name="vwo-simulator-webhook",
            daemon=True,
        )
        with self._lock:
            self._sending.append((webhook, thread))
            thread.start()
        return webhook

    def _attempted(self, attempt: DeliveryAttempt) -> None:
        self._notify()
        if self._on_attempt:
            self._on_attempt(attempt)

    @property
    def deliveries(self) -> list[OutgoingWebhook]:
        """The webhooks sent so far, oldest first."""
        with self._lock:
            return [webhook for webhook, _ in self._sending]

    def knows(self, query: Mapping[str, str]) -> bool:
        """Whether a fetch has the right SDK key and account id, if they are to be checked."""
        return all(query.get(name) == value for name, value in self._expected.items() if value)

    def record_fetch(self, fetch: Fetch) -> tuple[dict[str, Any], Behaviour]:
        """Record a fetch; return the current document, and how to answer."""
        with self._lock:
            document, behaviour = self._settings, self._next_behaviour()
        self._add_fetch(fetch)
        return document, behaviour

    def record_events(self, request: EventRequest) -> Behaviour:
        """Record a post of events, and return how to answer it."""
        behaviour = self._next_events_behaviour(request)
        accepted = (behaviour.status or 200) < 300 and not behaviour.reset
        self._add_events(request, accepted)
        return behaviour
