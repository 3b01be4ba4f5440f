"""Whether VWO reaches the webhook under its URL."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.urls import NoReverseMatch, reverse


def check_urls(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        reverse("django_vwo_webhooks:webhook")
    except NoReverseMatch:
        return [
            Warning(
                "The webhook's URL is not included, so VWO has no URL to post to.",
                hint='Write in your URLs: path("webhooks/vwo/", '
                'include("django_vwo_webhooks.urls"))',
                id="django_vwo_webhooks.W004",
            )
        ]
    return []


def check_redirects(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What makes Django redirect a delivery: VWO does not follow redirects."""
    try:
        path = reverse("django_vwo_webhooks:webhook")
    except NoReverseMatch:
        return []
    messages: list[CheckMessage] = []
    if settings.PREPEND_WWW:
        messages.append(
            Warning(
                "PREPEND_WWW redirects a delivery to a host without www, and VWO does not follow "
                "redirects.",
                hint=f"Enter https://www.your.site{path} as the webhook's URL in VWO, then add "
                '"django_vwo_webhooks.W011" to SILENCED_SYSTEM_CHECKS.',
                id="django_vwo_webhooks.W011",
            )
        )
    exempt = any(re.search(each, path.lstrip("/")) for each in settings.SECURE_REDIRECT_EXEMPT)
    if settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER and not exempt:
        messages.append(
            Warning(
                "SECURE_SSL_REDIRECT is set without SECURE_PROXY_SSL_HEADER. Behind a proxy that "
                "ends TLS, each delivery is redirected, and VWO does not follow redirects.",
                hint="Let the proxy send the header, and write: SECURE_PROXY_SSL_HEADER = "
                '("HTTP_X_FORWARDED_PROTO", "https"). Without such a proxy, add '
                '"django_vwo_webhooks.W012" to SILENCED_SYSTEM_CHECKS.',
                id="django_vwo_webhooks.W012",
            )
        )
    return messages
