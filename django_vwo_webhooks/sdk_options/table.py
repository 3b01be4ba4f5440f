"""The table of options."""

from collections.abc import Callable
from typing import Any, NamedTuple

from . import readers


class Option(NamedTuple):
    """One option of the SDK. The name of a key inside of another option has a dot."""

    name: str
    text: str
    """What its value should be, or why it is ignored."""

    example: str = ""
    """A value, as Python code; for an option that is ignored, what to do instead."""

    read: Callable[[Any], Any] | None = None
    """How its value is read, by one of the ``readers``; None where it is ignored."""

    @property
    def is_used(self) -> bool:
        return self.read is not None

    @property
    def path(self) -> str:
        """Where it is in the settings."""
        keys = "".join(f'["{key}"]' for key in self.name.split("."))
        return f'VWO_WEBHOOKS["SDK_OPTIONS"]{keys}'

    @property
    def line(self) -> str:
        """The line to write."""
        code = self.example
        for key in reversed(["SDK_OPTIONS", *self.name.split(".")]):
            code = f'{{…, "{key}": {code}}}'
        return f"VWO_WEBHOOKS = {code}"


WRITE_ACCOUNT_ID = 'Write: VWO_WEBHOOKS = {…, "ACCOUNT_ID": "123456"}'
WRITE_SDK_KEY = 'Write: VWO_WEBHOOKS = {…, "SDK_KEY": os.environ["VWO_SDK_KEY"]}'

OPTIONS = (
    Option(
        "proxy_url",
        "the URL that requests are sent to instead of VWO's: http:// or https://, a host (an IPv6 "
        "address in brackets), and optionally a port and a path",
        '"http://proxy.example:8080"',
        readers.proxy_url,
    ),
    Option(
        "gateway_service",
        'a dict with the "url" of VWO\'s gateway service',
        '{"url": "http://gateway.example:8000"}',
        readers.mapping,
    ),
    Option(
        "gateway_service.url",
        "the gateway's URL, like proxy_url; if it has no scheme, that of protocol applies",
        '"http://gateway.example:8000"',
        readers.address,
    ),
    Option(
        "gateway_service.protocol",
        '"http" or "https" (default), for a URL without a scheme',
        '"http"',
        readers.protocol,
    ),
    Option(
        "gateway_service.port",
        "a port from 1 to 65535, for a URL without a port",
        "8000",
        readers.port,
    ),
    Option(
        "is_aliasing_enabled",
        "True or False (default); with True, each evaluation asks the gateway_service, and waits "
        "for its answer",
        "False",
        readers.switch,
    ),
    Option(
        "batch_event_data",
        "a dict that says how impressions are sent",
        '{"events_per_request": 100}',
        readers.mapping_or_none,
    ),
    Option(
        "batch_event_data.events_per_request",
        f"a whole number from 1 to {readers.MAX_EVENTS_PER_REQUEST} (default 100)",
        "100",
        readers.events_per_request,
    ),
    Option(
        "batch_event_data.request_time_interval",
        f"a number of seconds from {readers.MIN_INTERVAL_SECONDS} to "
        f"{readers.MAX_INTERVAL_SECONDS} (default 2)",
        "2",
        readers.interval,
    ),
    Option(
        "batch_event_data.flush_callback",
        "a function that takes an error or None and a list of events; not async",
        "our_callback",
        readers.flush_callback,
    ),
    Option(
        "integrations",
        'a dict with a "callback"',
        '{"callback": our_callback}',
        readers.mapping,
    ),
    Option(
        "integrations.callback",
        "a function that takes a dict, for each decision and each tracked event; not async",
        "our_callback",
        readers.integrations_callback,
    ),
    Option(
        "storage",
        "an object with the methods get(feature_key, user_id) and set(data); not a class, and not "
        "async",
        "OurStorage()",
        readers.storage,
    ),
    Option(
        "isDevelopmentMode",
        "True or False (default); True fetches settings without the parameter s=prod",
        "True",
        readers.switch,
    ),
    Option(
        "is_usage_stats_disabled",
        "True or False (default); False adds to impressions which options the SDK runs with",
        "True",
        readers.switch,
    ),
    Option(
        "_vwo_meta",
        "a dict, set by libraries that wrap the SDK",
        "{}",
        readers.mapping_or_none,
    ),
    Option(
        "_wingify_meta",
        "a dict, set by libraries that wrap the SDK",
        "{}",
        readers.mapping_or_none,
    ),
    Option("account_id", "ACCOUNT_ID applies", WRITE_ACCOUNT_ID),
    Option("accountId", "ACCOUNT_ID applies", WRITE_ACCOUNT_ID),
    Option("sdk_key", "SDK_KEY applies", WRITE_SDK_KEY),
    Option("sdkKey", "SDK_KEY applies", WRITE_SDK_KEY),
    Option(
        "logger",
        "the SDK logs through Django's LOGGING",
        'Configure the logger "django_vwo_webhooks.sdk" in LOGGING.',
    ),
    Option(
        "poll_interval",
        "the SDK does not poll; webhooks report changes, and RECONCILE_SECONDS is the safety net",
        'Write: VWO_WEBHOOKS = {…, "RECONCILE_SECONDS": 600}',
    ),
    Option("threading", "one thread of each process sends impressions, and no caller waits for it"),
    Option("segmentation", "the SDK itself replaces this evaluator at each evaluation"),
    Option("vwoBuilder", "the app builds the client"),
    Option("wingifyBuilder", "the app builds the client"),
    Option("is_via_vwo", "it is always True here"),
    Option("isAliasingEnabled", "the SDK does not use it", 'Write "is_aliasing_enabled" instead.'),
    Option("network", "the SDK does not use it"),
)
"""Every option that is in the SDK's source."""

BY_NAME = {option.name: option for option in OPTIONS}

GROUPS = {name.partition(".")[0] for name in BY_NAME if "." in name}
"""The options whose keys are in the table as well."""
