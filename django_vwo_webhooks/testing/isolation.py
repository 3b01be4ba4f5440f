"""Ends what this app does in a process, so that no test finds what another one left."""

import sys

ENDS = {
    "django_vwo_webhooks.follower": "stop_following",
    "django_vwo_webhooks.sdk.download": "close_idle_connections",
    "django_vwo_webhooks.sdk.impressions": "discard_impressions",
    "django_vwo_webhooks.sdk.lifecycle": "forget_settings",
    "django_vwo_webhooks.sdk.logs": "forget_reported",
    "django_vwo_webhooks.sdk.switched_off": "forget_switches",
}
"""The functions to call, by module. A module that is not loaded has nothing to end."""


def end_vwo() -> None:
    """Stop following, close connections to VWO, drop unsent impressions, and forget the settings
    and the kill switches that the client uses."""
    for module, function in ENDS.items():
        if module in sys.modules:
            getattr(sys.modules[module], function)()
