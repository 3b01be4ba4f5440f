"""What ``test_sentry.py`` runs in a process of its own: deliveries to a site that reports errors.

``python -m tests.contrib.sentry_site``; with SITE_SENTRY_LATER, sentry-sdk is started after the
app, as in a ``wsgi.py``, and ``install()`` called after that.
"""

import hashlib
import hmac
import json
import logging
import os
import sys
from importlib import import_module

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
if "SITE_SENTRY_LATER" in os.environ:
    assert "sentry_sdk" not in sys.modules
    import_module("tests.contrib.start_sentry")

import sentry_sdk  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import RequestFactory  # noqa: E402

from django_vwo_webhooks.client import get_client  # noqa: E402
from django_vwo_webhooks.contrib import sentry  # noqa: E402
from django_vwo_webhooks.signals import settings_refreshed, webhook_received  # noqa: E402
from tests.conftest import PAYLOAD  # noqa: E402

if "SITE_SENTRY_LATER" in os.environ:
    sentry.install()
if "SITE_SENTRY_OFF" in os.environ:
    sentry.redact = lambda item: item

OLD = "an-old-secret-that-must-not-leak"


def deliver(**headers):
    body = json.dumps(PAYLOAD).encode()
    signature = hmac.new(settings.VWO_WEBHOOKS["SECRET"][0].encode(), body, hashlib.sha256)
    request = RequestFactory().post(
        "/webhooks/vwo/",
        body,
        content_type="application/json",
        headers={
            "x-vwo-auth": settings.VWO_WEBHOOKS["SECRET"][0],
            "x-signed": signature.hexdigest(),
            **headers,
        },
    )
    statuses = []
    response = application(request.environ, lambda status, headers: statuses.append(status))
    content = b"".join(response)
    response.close()
    print(statuses[0], content.decode()[:100])


def fail_with_locals(**kwargs):
    account = settings.VWO_WEBHOOKS
    secret, sdk_key = account["SECRET"][1], account["SDK_KEY"].encode()
    options, document = get_client().options, get_client().original_settings
    raise RuntimeError(f"{len(secret)} {len(sdk_key)} {len(options)} {len(document)}")


def report(**kwargs):
    environ = {"HTTP_X_VWO_AUTH": OLD, "SERVER_NAME": "shop"}
    deep = [[[[[[[environ]]]]]]]
    headers = [("X-Vwo-Auth", OLD), (b"x-vwo-auth", OLD.encode())]
    sentry_sdk.add_breadcrumb(message=f"x-vwo-auth: {OLD}", data={"url": "?i=" + sdk_key()})
    sentry_sdk.capture_message(f"the key is {sdk_key()}")
    logging.getLogger("shop").error("sent %s", sdk_key(), extra={"headers": headers, "deep": deep})


def sdk_key():
    return settings.VWO_WEBHOOKS["SDK_KEY"]


deliver()
webhook_received.connect(fail_with_locals)
settings_refreshed.connect(report)
deliver()
deliver(**{"x-vwo-auth": settings.VWO_WEBHOOKS["SECRET"][1]})
webhook_received.disconnect(fail_with_locals)
deliver(**{"x-vwo-auth": OLD})
deliver(**{"x-fail": "1"})
deliver(**{"x-fail": "1", "x-vwo-auth": OLD})
deliver(**{"Transfer-Encoding": "chunked"})

with connection.cursor() as cursor:
    cursor.execute("ALTER TABLE django_vwo_webhooks_webhookevent RENAME TO away")
try:
    deliver()
finally:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE away RENAME TO django_vwo_webhooks_webhookevent")

settings.VWO_WEBHOOKS = {
    **settings.VWO_WEBHOOKS,
    "SDK_OPTIONS": {"proxy_url": "http://127.0.0.1:9"},
}
get_client().get_flag("new_checkout", {"id": "u"})
get_client().track_event("bought", {"id": "u"})
get_client().flush_events()
deliver()
sentry_sdk.flush()
