"""Keeps the secrets and the SDK key out of what sentry-sdk sends.

sentry-sdk copies a request's headers before any view runs, and the local variables of every frame.
The app installs this where sentry-sdk is loaded before Django's apps are ready, as it is in
settings; a site that loads it later calls ``install()``.
"""

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sentry_sdk
from sentry_sdk.utils import safe_repr

from ..conf import app_settings
from ..redaction import redact as without_credentials

FILTERED = "[Filtered]"

HOOKS = (
    "before_send",
    "before_send_transaction",
    "before_send_log",
    "before_send_metric",
    "before_send_span",
)
"""The options of a client that see an item last, after the event processors of the request."""

UNSHOWN_MODULE = "django_vwo_webhooks.authentication"
"""The module whose local variables are left out: they may be credentials of any value."""

logger = logging.getLogger("django_vwo_webhooks")

_installed_on: list[Any] = []


def install() -> None:
    """Redact what is sent from now on, by this client and by those that a later ``init`` makes.

    Call it after ``sentry_sdk.init()``. Calling it again changes nothing.
    """
    if not hasattr(sentry_sdk, "get_global_scope"):
        logger.warning("The secrets are not redacted for Sentry: sentry-sdk 2 or newer is needed.")
        return
    _redact_last(sentry_sdk.get_client())
    scope = sentry_sdk.get_global_scope()
    if scope not in _installed_on:
        _installed_on.append(scope)
        scope.add_event_processor(_event_processor)


def redact(item: Any) -> Any:
    """A copy of an item without the SDK key, the secrets and the headers of credentials."""
    if isinstance(item, str):
        return _redact_text(item)
    if isinstance(item, dict):
        hidden = "vars" if item.get("module") == UNSHOWN_MODULE else None
        return {
            redact(key): FILTERED if _is_credential(key) else redact(value)
            for key, value in item.items()
            if key != hidden
        }
    if isinstance(item, (list, tuple)):
        if len(item) == 2 and _is_credential(item[0]):
            return [item[0], FILTERED]
        return [redact(value) for value in item]
    if item is None or isinstance(item, (int, float)):
        return item
    # in logs, objects become texts only after the hooks
    shown = safe_repr(item)
    redacted = _redact_text(shown)
    return item if redacted == shown else redacted


class _Redacting:
    """One of a client's hooks: calls the site's own, and redacts what that returns."""

    def __init__(self, inner: Callable[[Any, Any], Any] | None) -> None:
        self._inner = inner

    def __call__(self, item: Any, hint: Any) -> Any:
        if self._inner is not None:
            item = self._inner(item, hint)
        return redact(item)


def _event_processor(event: Any, hint: Any) -> Any:
    # a client that the site has made after ``install()``; nothing is redacted here, since the
    # request's headers are added by processors that run after this one
    _redact_last(sentry_sdk.get_client())
    return event


def _redact_last(client: Any) -> None:
    if not client.is_active():
        return
    for name in HOOKS:
        # some had been experiments before they became options
        hook = client.options.get(name) or client.options.get("_experiments", {}).get(name)
        if not isinstance(hook, _Redacting):
            client.options[name] = _Redacting(hook)


def _is_credential(name: Any) -> bool:
    """Whether it names a header of credentials, as WSGI, ASGI, a client or a span spells it."""
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    if not isinstance(name, str):
        return False
    bare = re.sub("^b?['\"]|['\"]$", "", name).lower().replace("_", "-").removeprefix("http-")
    headers = [header.replace("_", "-") for header in app_settings.credential_headers]
    return any(bare == header or bare.endswith(f".{header}") for header in headers)


def _redact_text(text: str) -> str:
    headers = _with_value(app_settings.credential_headers)
    return without_credentials(headers.sub(rf"\g<name>{FILTERED}", text), cut_mark="...")


@lru_cache(maxsize=8)
def _with_value(headers: tuple[str, ...]) -> re.Pattern[str]:
    """Matches a header with its value, in the ``repr`` of an object or as it is sent."""
    name = "|".join(re.escape(header).replace(r"\-", "[-_]") for header in headers)
    quoted = r"""['"]?\s*[:=,]\s*(?=b?['"])"""
    value = r"""(?:b?'[^']*'?|b?"[^"]*"?|[^\s'",;\\]+)"""
    return re.compile(rf"(?P<name>(?:{name})(?:{quoted}|:\s*)){value}", re.IGNORECASE)
