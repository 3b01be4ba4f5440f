"""sentry-sdk sends neither a secret nor the SDK key, whatever it collects."""

import importlib
import json
import re
import subprocess
import sys
from datetime import datetime
from types import SimpleNamespace

import pytest
from django.conf import settings as site

from tests.conftest import configure, site_environment

sentry_sdk = pytest.importorskip("sentry_sdk")
sentry = importlib.import_module("django_vwo_webhooks.contrib.sentry")

pytestmark = pytest.mark.django_db(transaction=True)

SECRETS = ["a-secret-that-must-not-leak-1", "a-'quoted\\ «sécret»-that-must-not-leak"]
SDK_KEY = "sdk-key-that-must-not-leak"
SIGNED = "x-signed"

OPTIONS = {
    "the defaults": {},
    "all that can be collected": {
        "send_default_pii": True,
        "attach_stacktrace": True,
        "enable_logs": True,
        "max_request_body_size": "always",
    },
    "cut values": {"max_value_length": 60, "attach_stacktrace": True},
    "no scrubber": {"event_scrubber": None},
    "streamed spans": {"trace_lifecycle": "stream"},
}


@pytest.fixture
def envelopes(vwo, settings, tmp_path):
    configure(settings, SECRET=SECRETS, SIGNATURE_HEADER=SIGNED)
    path = tmp_path / "envelopes"

    def run(options=(), **environment):
        ran = subprocess.run(
            [sys.executable, "-m", "tests.contrib.sentry_site"],
            env=site_environment(
                DJANGO_SETTINGS_MODULE="tests.contrib.sentry_settings",
                SITE_ENVELOPES=str(path),
                SITE_SENTRY=json.dumps(dict(options)),
                **environment,
            ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return path.read_text()

    return run


def leaked(text):
    """Where a credential stands, with what surrounds it; a part of one counts too."""
    return re.findall(r".{0,90}(?:must-not-leak|that-must).{0,30}", text)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_nothing_leaks(envelopes, options):
    text = envelopes(options)
    assert leaked(text) == []
    assert "in a middleware" in text
    assert text.count('"type":"event"') > 5


def test_nothing_leaks_where_sentry_is_started_after_the_app(envelopes):
    assert leaked(envelopes(SITE_SENTRY_LATER="1")) == []


def test_it_would_leak_otherwise(envelopes):
    """So the deliveries of this module do bring credentials before what sentry-sdk collects."""
    text = "\n".join(leaked(envelopes(SITE_SENTRY_OFF="1")))
    for place in ("X-Vwo-Auth", "http.query", "SDK_KEY", "the key is"):
        assert place in text, place


def test_the_hooks_of_the_site_still_work(monkeypatch):
    client = sentry_sdk.Client(
        dsn="http://key@127.0.0.1:9/1",
        before_send=lambda event, hint: None if "drop" in hint else {**event, "tags": {"a": "b"}},
    )
    monkeypatch.setattr(sentry_sdk, "get_client", lambda: client)
    for _ in range(2):
        sentry.install()
    before_send = client.options["before_send"]
    assert before_send({"message": SDK_KEY}, {"drop": True}) is None
    event = before_send({"message": site.VWO_WEBHOOKS["SDK_KEY"]}, {})
    assert event == {"message": "***", "tags": {"a": "b"}}
    client.close()


def test_it_can_be_installed_where_sentry_is_not_started():
    sentry.install()
    assert not sentry_sdk.get_client().is_active()


def test_an_old_release_of_sentry_stops_no_site(monkeypatch, caplog):
    monkeypatch.delattr(sentry_sdk, "get_global_scope")
    sentry.install()
    assert "sentry-sdk 2 or newer is needed" in caplog.text


KEPT = [
    None,
    1.5,
    "The header x-vwo-auth does not match.",
    "x-vwo-auth, x-vwo-signature",
    {"X-Vwo-Author": "somebody", "body": ["a", "b"]},
    {"module": "shop.views", "vars": {"number": "1"}},
    [["module", "shop"], datetime(2026, 11, 25)],
]


@pytest.mark.parametrize("item", KEPT, ids=str)
def test_what_holds_no_credential_is_left_as_it_is(item):
    assert sentry.redact(item) == item


HIDDEN = [
    {"X-Vwo-Auth": "guess"},
    {"HTTP_X_VWO_AUTH": "guess"},
    {"http.request.header.x_vwo_auth": ["guess"]},
    {"headers": [["x-vwo-signature", "guess"]]},
    [[b"x-vwo-auth", b"guess"]],
    [["b'X-VWO-AUTH'", "b'guess'"]],
    "{'HTTP_X_VWO_AUTH': 'guess'}",
    "{'HTTP_X_VWO_AUTH': 'gues...",
    "[(b'x-vwo-auth', b'guess')]",
    "POST / HTTP/1.1\r\nX-Vwo-Auth: guess\r\nHost: shop",
    {"module": "django_vwo_webhooks.authentication", "vars": {"presented": "guess"}},
    f"settings #1 {site.VWO_WEBHOOKS['SECRET'][:12]}...",
    {site.VWO_WEBHOOKS["SECRET"]: 1},
    [SimpleNamespace(key=site.VWO_WEBHOOKS["SECRET"])],
]


@pytest.mark.parametrize("item", HIDDEN, ids=str)
def test_credentials_are_found_wherever_they_stand(item):
    text = str(sentry.redact(item))
    assert not re.search("gues|must|secret-that", text)
    assert "Filtered" in text or "***" in text or "authentication" in text
