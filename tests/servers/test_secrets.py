"""The secret and the SDK key appear in no row, log line, error page or exception."""

import logging
import pprint
import sys

import django
import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings as site
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.test import AsyncClient
from django.test import Client as DjangoClient
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter

from django_vwo_webhooks import views
from django_vwo_webhooks.authentication import remove_credentials
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.conf import app_settings
from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.models import RefreshLease
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.sdk import download, lifecycle
from django_vwo_webhooks.sdk.impressions import impression_queue
from django_vwo_webhooks.signals import webhook_received
from tests.conftest import PAYLOAD, configure
from tests.refresh.test_attempt import DOCUMENTS, FAILURES

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = site.VWO_WEBHOOKS["SECRET"]
SDK_KEY = "sdk-key-that-must-not-leak"
SENSITIVE = (SDK_KEY, "secret-that-must-not-leak")


@pytest.fixture
def output(caplog, capfd):
    """Texts to search, to which rows, log lines at DEBUG, stdout and stderr are added."""
    texts = []
    for name in ("", "django_vwo_webhooks", "django_vwo_webhooks.sdk"):
        caplog.set_level(logging.DEBUG, logger=name)
    yield texts
    models = apps.get_app_config("django_vwo_webhooks").get_models()
    texts += [serializers.serialize("json", model.objects.all()) for model in models]
    formatter = logging.Formatter("%(name)s %(message)s")
    texts += [formatter.format(record) for record in caplog.get_records("call")]
    texts += capfd.readouterr()
    text = "\n".join(texts)
    assert len(text) > 1000, "there is hardly any output"
    for value in SENSITIVE:
        assert value not in text


@pytest.mark.parametrize("fault", [{}, *[failure for failure, _ in FAILURES.values()]], ids=str)
def test_when_vwo_fails(vwo, deliver, settings, output, fault):
    refresh_settings()
    get_client().get_flag("new_checkout", {"id": "u"})
    configure(settings, REFRESH_TIMEOUT_SECONDS=0.2)
    vwo.misbehave(**fault)
    vwo.misbehave_events(status=500)
    output.append(deliver().content.decode())
    output.append(deliver(PAYLOAD, secret="wrong").content.decode())
    get_client().flush_events()
    RefreshLease.objects.update(backoff_until=0)
    try:
        refresh_settings()
    except RefreshFailed as failure:
        output += [str(failure), repr(failure)]


@pytest.mark.parametrize("document", [document for document, _ in DOCUMENTS.values()])
def test_when_the_settings_are_invalid(vwo, deliver, output, document):
    vwo.settings = document if "sdkKey" not in document else {**document, "sdkKey": SDK_KEY}
    output.append(deliver().content.decode())


def test_when_vwo_refuses_connections(vwo, deliver, output):
    vwo.refuse()
    output.append(deliver().content.decode())
    assert not get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()
    get_client().track_event("bought", {"id": "u"})


def test_on_an_error_page(vwo, deliver, settings, output):
    settings.DEBUG = True
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False

    def fail(*arguments):
        raise DatabaseError("disk I/O error")

    with connection.execute_wrapper(fail):
        output.append(deliver().content.decode())
    assert "Database error" in output[0]


INVALID = {
    "AUTHENTICATION": ["no.such.Class"],
    "SECRET": [SECRET, None, 5],
    "SDK_KEY": SDK_KEY.encode(),
}


@pytest.mark.parametrize("name", INVALID)
def test_on_the_error_page_of_an_invalid_setting(vwo, deliver, settings, output, name):
    settings.DEBUG = True
    configure(settings, **{name: INVALID[name]})
    response = deliver(secret=SECRET)
    assert response.status_code == 500
    output.append(response.content.decode())


SIGNED = "the-signature-secret-that-must-not-leak"


def post_with_both(**headers):
    return DjangoClient(raise_request_exception=False).post(
        "/webhooks/vwo/",
        PAYLOAD,
        content_type="application/json",
        headers={
            "x-vwo-auth": SECRET,
            "x-signed": f"secret-that-must-not-leak {SIGNED}",
            **headers,
        },
    )


@pytest.fixture
def mails(settings, mailoutbox):
    """Adds Django's error mails with all that they can contain."""
    settings.ADMINS = (
        [("Ada", "ada@shop.example")] if django.VERSION < (6,) else ["ada@shop.example"]
    )
    handler = AdminEmailHandler(include_html=True)
    root = logging.getLogger()
    root.addHandler(handler)
    yield mailoutbox
    root.removeHandler(handler)


@pytest.mark.parametrize("debug", [False, True])
def test_when_a_view_and_a_receiver_fail(vwo, settings, output, mails, monkeypatch, caplog, debug):
    configure(settings, SIGNATURE_HEADER="x-signed")
    settings.DEBUG = debug

    def fail(**kwargs):
        client = get_client()
        options, document = client.options, client.original_settings
        raise RuntimeError(f"{len(options)} {len(document)}")

    webhook_received.connect(fail)
    try:
        assert post_with_both().status_code == 200
    finally:
        webhook_received.disconnect(fail)
    monkeypatch.setattr(views, "deliver", lambda values, deadline: fail())
    response = post_with_both()
    assert response.status_code == 500
    output.append(response.content.decode())
    assert len([record for record in caplog.records if record.exc_info]) >= 2
    for mail in mails:
        output += [mail.body, *(content for content, kind in mail.alternatives)]
    requests = [record.request for record in caplog.records if hasattr(record, "request")]
    for request in [*requests, response.wsgi_request]:
        output += [repr(dict(request.META)), repr(dict(request.headers)), repr(vars(request))]
    assert mails or debug


def test_a_request_is_reported_without_credentials_whatever_is_wrong_with_it(settings, caplog):
    configure(settings, SIGNATURE_HEADER="X-Signed")
    for headers in ({"x-vwo-auth": "a-guess"}, {"Transfer-Encoding": "chunked"}, {}):
        request = post_with_both(**headers).wsgi_request
        assert not {"X-Vwo-Auth", "X-Signed"} & set(request.headers)
        assert not {"HTTP_X_VWO_AUTH", "HTTP_X_SIGNED"} & set(request.META)
    configure(settings, AUTHENTICATION=["no.such.Class"])
    request = post_with_both().wsgi_request
    assert not {"HTTP_X_VWO_AUTH", "HTTP_X_SIGNED"} & set(request.META)


def test_a_request_by_asgi_is_reported_without_credentials(settings, monkeypatch):
    configure(settings, SIGNATURE_HEADER="x-signed")
    seen = []
    monkeypatch.setattr(views, "parse", lambda request: seen.append(request) or {})
    headers = {"x-vwo-auth": SECRET, "x-signed": SIGNED}
    response = async_to_sync(AsyncClient().post)(
        "/webhooks/vwo/", "{}", "application/json", headers=headers
    )
    assert response.status_code == 400
    request = seen[0]._request
    request.scope["headers"].append((b"x_signed", SIGNED.encode()))
    remove_credentials(request)
    assert SIGNED not in f"{request.META} {request.headers} {request.scope}"
    assert SECRET not in f"{request.META} {request.headers} {request.scope}"
    assert b"content-type" in dict(request.scope["headers"])


class BrokenStorage:
    """Passes for one, until the SDK looks whether it is there."""

    def __bool__(self):
        raise ZeroDivisionError

    def get(self, feature_key, user_id):
        """Nothing is stored."""

    def set(self, data):
        """Nothing is stored."""


def test_on_the_error_page_of_an_option_that_the_sdk_does_not_accept(vwo, settings, output, rf):
    settings.DEBUG = True
    configure(settings, SDK_OPTIONS={"proxy_url": vwo.url, "storage": BrokenStorage()})
    try:
        get_client()
    except ImproperlyConfigured:
        output += error_page(rf)
    assert "_make_client" in output[0]


def test_on_the_error_page_where_an_invalid_option_can_not_be_logged(vwo, settings, output, rf):
    settings.DEBUG = True
    configure(settings, SDK_OPTIONS={"proxy_url": vwo.url, "batch_event_data": 5})

    class Broken(logging.Handler):
        def emit(self, record):
            raise ZeroDivisionError

    logger, handler = logging.getLogger("django_vwo_webhooks"), Broken(logging.ERROR)
    logger.addHandler(handler)
    try:
        get_client()
    except ZeroDivisionError:
        output += error_page(rf)
    finally:
        logger.removeHandler(handler)
    assert "_accepted_options" in output[0]


def error_page(rf):
    """What Django shows of the exception that is being handled, in both its forms."""
    reporter = ExceptionReporter(rf.get("/"), *sys.exc_info())
    return [reporter.get_traceback_html(), reporter.get_traceback_text()]


@pytest.mark.parametrize("fault", [failure for failure, _ in FAILURES.values()], ids=str)
def test_on_the_error_page_of_a_view_that_refreshes(vwo, settings, output, rf, fault):
    settings.DEBUG = True
    configure(settings, REFRESH_TIMEOUT_SECONDS=0.2)
    vwo.misbehave(**fault)
    with pytest.raises(RefreshFailed):
        refresh_and_report(output, rf)


@pytest.mark.parametrize("document", [document for document, _ in DOCUMENTS.values()])
def test_on_the_error_page_of_a_view_that_gets_invalid_settings(
    vwo, settings, output, rf, document
):
    settings.DEBUG = True
    key = settings.VWO_WEBHOOKS["SDK_KEY"]
    vwo.settings = document if "sdkKey" not in document else {**document, "sdkKey": key}
    with pytest.raises(RefreshFailed):
        refresh_and_report(output, rf)


def refresh_and_report(output, rf):
    try:
        refresh_settings()
    except RefreshFailed:
        output += error_page(rf)
        raise


def test_the_repr_of_what_holds_a_key(vwo, settings, output):
    refresh_settings()
    client = get_client()
    things = [
        client,
        client.made_from,
        client.options,
        client.original_settings,
        lifecycle.build(client.original_settings),
        lifecycle.fetch(5),
        app_settings,
        impression_queue(),
        download._idle(),
        [thread.session for thread in download._idle()],
        vars(client),
        RefreshLease.objects.read(),
    ]
    output += [repr(thing) for thing in things] + [pprint.pformat(thing) for thing in things]
