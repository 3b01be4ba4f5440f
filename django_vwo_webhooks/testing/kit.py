"""What a test uses: a site connected to a simulator, deliveries, and flags."""

import contextlib
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from django.conf import settings
from django.test import Client, override_settings
from django.urls import reverse

from django_vwo_webhooks.conf import app_settings
from django_vwo_webhooks.management.outgoing import SECRET_HEADER, webhook_payload
from django_vwo_webhooks.testing.overrides import override_flags
from django_vwo_webhooks.testing.simulator import VWOSimulator


@contextlib.contextmanager
def connected_simulator() -> Iterator[VWOSimulator]:
    """A simulator, and the site's settings changed so that the site uses it.

    The client checks the database when a request starts, and no thread follows it: a thread would
    not see what a test has not committed.
    """
    with VWOSimulator() as vwo:
        changed = {**vwo.site_settings, "BROADCAST": {"OPTIONS": {"thread": False}}}
        site = getattr(settings, "VWO_WEBHOOKS", {})
        with override_settings(VWO_WEBHOOKS={**site, **changed}):
            yield vwo


def deliver_vwo_webhook(
    action: str = "feature_flag_updated",
    event: str = "settings_changed",
    triggered_by: str = "vwo",
    timestamp: int | None = None,
    *,
    secret: str | None = None,
    **extra: Any,
) -> Any:
    """Post a webhook to the site as VWO does, once, by Django's test client.

    ``secret`` is the site's own unless given. ``extra`` is added to the payload. Returns the
    response, which is a 2xx once the site uses what the simulator serves.
    """
    payload = webhook_payload(action, event, triggered_by, timestamp, **extra)
    secrets = app_settings.secrets if secret is None else (secret,)
    return Client(raise_request_exception=False).post(
        reverse("django_vwo_webhooks:webhook"),
        json.dumps(payload),
        content_type="application/json",
        headers={SECRET_HEADER: secrets[0]} if secrets else {},
    )


class VWOTestMixin:
    """For a ``TestCase`` class of Django's: what the pytest fixtures of the same names are."""

    @cached_property
    def vwo_simulator(self) -> VWOSimulator:
        """A simulator that the site is connected to, from the first use until the test ends."""
        simulator: VWOSimulator = self._until_the_end(connected_simulator())
        return simulator

    def deliver_vwo_webhook(self, *args: Any, **kwargs: Any) -> Any:
        """``deliver_vwo_webhook`` of this module."""
        return deliver_vwo_webhook(*args, **kwargs)

    def vwo_flags(self, flags: dict[str, Any] | None = None, **more_flags: Any) -> None:
        """Override flags as ``override_flags`` does, until the test ends."""
        self._until_the_end(override_flags(flags, **more_flags))

    def _until_the_end(self, context: Any) -> Any:
        stack = contextlib.ExitStack()
        entered = stack.enter_context(context)
        self.addCleanup(stack.close)  # type: ignore[attr-defined]
        return entered
