"""The secret and the SDK key appear in no row, log line, error page or exception."""

import logging

import pytest
from django.apps import apps
from django.conf import settings as site
from django.core import serializers
from django.db import connection

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.models import RefreshLease
from django_vwo_webhooks.refresh import refresh_settings
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
    for table in ("webhookevent", "refreshlease"):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE django_vwo_webhooks_{table} RENAME TO away")
        try:
            output.append(deliver().content.decode())
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE away RENAME TO django_vwo_webhooks_{table}")


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
