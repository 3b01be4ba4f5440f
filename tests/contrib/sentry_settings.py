"""The tests' site with a middleware that may fail, and with sentry-sdk unless that comes later."""

import os
from importlib import import_module
from typing import Any

from tests.settings import *  # noqa: F403
from tests.settings import MIDDLEWARE

MIDDLEWARE = ["tests.contrib.sentry_settings.fail_before_the_view", *MIDDLEWARE]
ROOT_URLCONF = "tests.servers.site"


def fail_before_the_view(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        if "x-fail" in request.headers:
            raise RuntimeError("in a middleware")
        return get_response(request)

    return middleware


if "SITE_SENTRY_LATER" not in os.environ:
    import_module("tests.contrib.start_sentry")
