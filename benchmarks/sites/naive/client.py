import functools
import threading

import vwo
from django.conf import settings

_lock = threading.Lock()


def get_client() -> vwo.VWOClient:
    """The SDK's client of this process, made on first use."""
    with _lock:
        return _client()


@functools.cache
def _client() -> vwo.VWOClient:
    webhook_settings = settings.VWO_WEBHOOKS
    return vwo.init(
        {
            "account_id": webhook_settings["ACCOUNT_ID"],
            "sdk_key": webhook_settings["SDK_KEY"],
            "logger": {"level": "ERROR"},
            **webhook_settings["SDK_OPTIONS"],
        }
    )
