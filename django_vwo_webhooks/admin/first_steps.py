"""What is left to do until the first webhook arrives, for a trail that is empty."""

from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

from ..conf import SECRET_HEADER, app_settings
from ..status import FleetStatus


class FirstStep(NamedTuple):
    done: bool | None
    """None where the site can't know."""
    text: str
    code: str = ""
    """What to type or to copy."""


def first_steps(request: HttpRequest, status: FleetStatus) -> list[FirstStep]:
    """The steps in their order, each with its state."""
    url = _webhook_url(request)
    return [
        _secret(),
        _included(url),
        _fetched(status),
        *([_enter(url), _test(url)] if url else []),
    ]


def _secret() -> FirstStep:
    try:
        is_set = bool(app_settings.secrets)
    except ImproperlyConfigured:
        is_set = False
    if is_set:
        return FirstStep(True, gettext("The webhook’s secret is set."))
    return FirstStep(
        False,
        gettext("Generate the webhook’s secret key in VWO, and give it to the site:"),
        'VWO_WEBHOOKS = {…, "SECRET": os.environ.get("VWO_WEBHOOK_SECRET")}',
    )


def _included(url: str | None) -> FirstStep:
    if url:
        return FirstStep(True, gettext("The webhook is included in the site’s URLs."))
    return FirstStep(
        False,
        gettext("Include the webhook in the site’s URLs:"),
        'path("webhooks/vwo/", include("django_vwo_webhooks.urls"))',
    )


def _fetched(status: FleetStatus) -> FirstStep:
    if status.refreshed_seconds is not None:
        return FirstStep(True, gettext("The settings have been fetched from VWO."))
    return FirstStep(False, gettext("Fetch the settings from VWO:"), "python manage.py vwo_refresh")


def _enter(url: str) -> FirstStep:
    text = gettext(
        "Enter this URL in VWO, which sends the secret in the header %s with each webhook:"
    )
    return FirstStep(None, text % SECRET_HEADER, url)


def _test(url: str) -> FirstStep:
    return FirstStep(
        None,
        gettext("Or send a test delivery, which appears here:"),
        f"python manage.py vwo_send_webhook {url}",
    )


def _webhook_url(request: HttpRequest) -> str | None:
    try:
        return request.build_absolute_uri(reverse("django_vwo_webhooks:webhook"))
    except NoReverseMatch:
        return None
