"""Options that sites might write, right and wrong."""

import functools
import math
import re
import types

from django.core.cache import caches
from django.utils.functional import SimpleLazyObject, lazystr


def label(value):
    """An id for a parameter that is the same in each process of a test run."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


INVALID = "invalid"
IGNORED = "ignored"
UNKNOWN = "unknown"


def callback(*args):
    """A callback of a site."""


async def async_callback(*args):
    """A callback that the SDK would never await."""


class AsyncCallable:
    async def __call__(self, *args):
        """The same in a class."""


def without_arguments():
    """A callback that can't be called with what the SDK passes."""


class Storage:
    def __init__(self):
        self.rows = []

    def get(self, feature_key, user_id):
        return None

    def set(self, data):
        self.rows.append(data)

    def __len__(self):
        return len(self.rows)


class StorageWithoutSet:
    def get(self, feature_key, user_id):
        return None


class AsyncStorage:
    async def get(self, feature_key, user_id):
        return None

    async def set(self, data):
        return None


def gateway(**values):
    return {"gateway_service": {"url": "http://gateway.example:8000", **values}}


def batch(**values):
    return {"batch_event_data": values}


WRONG_PROXY_URLS = [
    "",
    " ",
    "proxy.example:8080",
    "//proxy.example",
    "/vwo",
    "http://",
    "http:///vwo",
    "http://:8080",
    "ftp://proxy.example",
    "socks5://proxy.example:1080",
    "http://proxy.example:0",
    "http://proxy.example:65536",
    "http://proxy.example:http",
    "http://[::1",
    "http://[nonsense]:80",
    "http://::1:8080",
    "http://proxy example",
    "http://proxy\n.example",
    "http://a..b",
    "http://" + "a" * 64 + ".example",
    "http://proxy<.example",
    b"http://proxy.example",
    5,
    True,
    [],
    {"url": "http://proxy.example"},
    lazystr(""),
]

WRONG_GATEWAYS = [
    None,
    "http://gateway.example",
    [],
    5,
    True,
    {},
    {"port": 8000},
    {"url": None},
    {"url": ""},
    {"url": 5},
    {"url": "ftp://gateway.example"},
    {"url": "http://gateway.example:99999"},
]

WRONG_BATCHES = [
    True,
    "50",
    [],
    {"events_per_request": 0},
    {"events_per_request": -1},
    {"events_per_request": "50"},
    {"events_per_request": None},
    {"events_per_request": True},
    {"events_per_request": 6000},
    {"events_per_request": 5001},
    {"events_per_request": 1.5},
    {"events_per_request": 100.0},
    {"events_per_request": math.nan},
    {"events_per_request": math.inf},
    {"events_per_request": []},
    {"request_time_interval": 0},
    {"request_time_interval": -5},
    {"request_time_interval": "5"},
    {"request_time_interval": None},
    {"request_time_interval": True},
    {"request_time_interval": math.inf},
    {"request_time_interval": math.nan},
    {"request_time_interval": 1e-9},
    {"request_time_interval": 1e30},
    {"request_time_interval": []},
    {"flush_callback": "shop.callback"},
    {"flush_callback": 5},
    {"flush_callback": async_callback},
    {"flush_callback": AsyncCallable()},
    {"flush_callback": without_arguments},
]

SWITCHES = ["isDevelopmentMode", "is_usage_stats_disabled", "is_aliasing_enabled"]

WRONG_SWITCHES = ["true", "false", "", 1, 0, []]

WRONG_OTHERS = [
    {"is_aliasing_enabled": True},
    {"integrations": None},
    {"integrations": callback},
    {"integrations": []},
    {"integrations": "shop.callback"},
    {"integrations": {"callback": "shop.callback"}},
    {"integrations": {"callback": async_callback}},
    {"integrations": {"callback": without_arguments}},
    {"storage": Storage},
    {"storage": "shop.Storage"},
    {"storage": {}},
    {"storage": {"get": callback, "set": callback}},
    {"storage": StorageWithoutSet()},
    {"storage": AsyncStorage()},
    {"storage": caches["default"]},
    {"_vwo_meta": "x"},
    {"_wingify_meta": ["ea"]},
]

INVALID_ALONE = [
    *({"proxy_url": value} for value in WRONG_PROXY_URLS),
    *({"gateway_service": value} for value in WRONG_GATEWAYS),
    *({"batch_event_data": value} for value in WRONG_BATCHES),
    *(
        {name: value}
        for name in ("isDevelopmentMode", "is_usage_stats_disabled", "is_aliasing_enabled")
        for value in WRONG_SWITCHES
    ),
    *WRONG_OTHERS,
]
"""Options of which one is invalid, so that nothing of it is accepted."""

IGNORED_ALONE = [
    {"threading": True},
    {"threading": None},
    {"threading": {"enabled": False}},
    {"threading": {"max_workers": 2}},
    {"wingifyBuilder": object()},
    {"vwoBuilder": object()},
    {"poll_interval": 60000},
    {"poll_interval": "x"},
    {"segmentation": object()},
    {"logger": {"level": "DEBUG"}},
    {"logger": "x"},
    {"is_via_vwo": False},
    {"account_id": "7"},
    {"sdk_key": "k"},
    {"accountId": "7"},
    {"sdkKey": "k"},
    {"isAliasingEnabled": True},
    {"network": {}},
]
"""Options that are ignored, whatever their values are."""

UNKNOWN_ALONE = [
    ({"proxyUrl": "http://proxy.example"}, "proxy_url"),
    ({"proxy": "http://proxy.example"}, "proxy_url"),
    ({"gatewayService": {"url": "http://gateway.example"}}, "gateway_service"),
    ({"batchEventData": {}}, "batch_event_data"),
    ({"is_development_mode": True}, "isDevelopmentMode"),
    ({"pollInterval": 60000}, "poll_interval"),
    ({"stroage": None}, "storage"),
    ({"retry_config": {}}, None),
    ({5: 6}, None),
    ({None: 6}, None),
    ({"gateway_service.url": "http://gateway.example"}, "gateway_service"),
    (batch(eventsPerRequest=50), "events_per_request"),
    (batch(interval=5), None),
    (gateway(host="x"), None),
    (gateway(Port=1), "port"),
    ({"integrations": {"call_back": callback}}, "callback"),
]
"""Options that do not exist, and the name that may be meant."""

FINE = [
    ({}, {}),
    ({"proxy_url": None}, {}),
    ({"storage": None}, {}),
    ({"batch_event_data": None}, {}),
    ({"batch_event_data": {}}, {"batch_event_data": {}}),
    ({"is_aliasing_enabled": False}, {}),
    ({"is_aliasing_enabled": None}, {}),
    ({"isDevelopmentMode": True}, {"isDevelopmentMode": True}),
    ({"is_usage_stats_disabled": True}, {"is_usage_stats_disabled": True}),
    ({"_vwo_meta": {"ea": 1}}, {"_vwo_meta": {"ea": 1}}),
    ({"integrations": {}}, {"integrations": {}}),
    ({"integrations": {"callback": None}}, {"integrations": {}}),
    ({"integrations": {"callback": callback}}, {"integrations": {"callback": callback}}),
    (batch(flush_callback=None), {"batch_event_data": {}}),
    (batch(flush_callback=print), batch(flush_callback=print)),
    (
        batch(events_per_request=5000, request_time_interval=0.1),
        batch(events_per_request=5000, request_time_interval=0.1),
    ),
    (
        batch(events_per_request=1, request_time_interval=86400),
        batch(events_per_request=1, request_time_interval=86400),
    ),
    (types.MappingProxyType(batch(events_per_request=7)), batch(events_per_request=7)),
]
"""Options that are fine, and what the SDK is given."""

PROXY_URLS = [
    ("http://proxy.example", "http://proxy.example"),
    ("HTTPS://Proxy.Example:8443/", "https://proxy.example:8443"),
    ("http://proxy.example/vwo/eu/", "http://proxy.example/vwo/eu"),
    (" http://proxy.example\n", "http://proxy.example"),
    ("http://[::1]:8001", "http://[::1]:8001"),
    ("http://[2001:DB8::1]/vwo", "http://[2001:db8::1]/vwo"),
    ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    ("http://vwo_proxy:65535", "http://vwo_proxy:65535"),
    ("http://bücher.example", "http://bücher.example"),
    (lazystr("http://proxy.example/"), "http://proxy.example"),
    (SimpleLazyObject(functools.partial(str, "http://lazy.example")), "http://lazy.example"),
]

GATEWAY_URLS = [
    ({"url": "http://gateway.example:8000/"}, "http://gateway.example:8000"),
    ({"url": "gateway.example"}, "https://gateway.example"),
    ({"url": "gateway.example:8000/fme"}, "https://gateway.example:8000/fme"),
    ({"url": "localhost:8000", "protocol": "http"}, "http://localhost:8000"),
    ({"url": "http://gateway.example", "protocol": "https"}, "http://gateway.example"),
    ({"url": "[::1]", "protocol": "http", "port": 8000}, "http://[::1]:8000"),
    ({"url": "http://gateway.example", "port": "8000"}, "http://gateway.example:8000"),
    ({"url": "http://gateway.example:1", "port": 8000}, "http://gateway.example:1"),
    ({"url": "gateway.example", "protocol": None, "port": None}, "https://gateway.example"),
    ({"url": lazystr("http://gateway.example")}, "http://gateway.example"),
]
