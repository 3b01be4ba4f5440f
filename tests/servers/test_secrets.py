"""The secret and the SDK key stand in no row, no log line, no error page, no exception."""

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
from tests.refresh.test_refresh import DOCUMENTS, FAILURES

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = site.VWO_WEBHOOKS["SECRET"]
WORDS = ("sdk-key-that-must-not-leak", "secret-that-must-not-leak")


@pytest.fixture
def everything_said(caplog, capfd):
    """Whatever reached a row, the log at DEBUG, stdout or stderr, or was handed over."""
    said = []
    for name in ("", "django_vwo_webhooks", "django_vwo_webhooks.sdk"):
        caplog.set_level(logging.DEBUG, logger=name)
    yield said
    models = apps.get_app_config("django_vwo_webhooks").get_models()
    said += [serializers.serialize("json", model.objects.all()) for model in models]
    formatter = logging.Formatter("%(name)s %(message)s")
    said += [formatter.format(record) for record in caplog.get_records("call")]
    said += capfd.readouterr()
    text = "\n".join(said)
    assert len(text) > 1000, "nothing was said at all"
    for word in WORDS:
        assert word not in text


@pytest.mark.parametrize("trouble", [{}, *[failure for failure, _ in FAILURES.values()]], ids=str)
def test_with_vwo_in_trouble(vwo, deliver, settings, everything_said, trouble):
    configure(settings, REFRESH_TIMEOUT_SECONDS=0.5)
    refresh_settings()
    get_client().get_flag("new_checkout", {"id": "u"})
    vwo.misbehave(**trouble)
    vwo.misbehave_events(status=500)
    everything_said.append(deliver().content.decode())
    everything_said.append(deliver(PAYLOAD, secret="wrong").content.decode())
    get_client().flush_events()
    RefreshLease.objects.update(backoff_until=0)
    try:
        refresh_settings()
    except RefreshFailed as failure:
        everything_said += [str(failure), repr(failure)]


@pytest.mark.parametrize("document", [document for document, _ in DOCUMENTS.values()])
def test_with_settings_that_are_no_good(vwo, deliver, everything_said, document):
    vwo.settings = document if "sdkKey" not in document else {**document, "sdkKey": WORDS[0]}
    everything_said.append(deliver().content.decode())


def test_with_the_port_refused(vwo, deliver, everything_said):
    vwo.refuse()
    everything_said.append(deliver().content.decode())
    assert not get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()
    get_client().track_event("bought", {"id": "u"})


def test_on_an_error_page(vwo, deliver, settings, everything_said):
    settings.DEBUG = True
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    for table in ("webhookevent", "refreshlease"):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE django_vwo_webhooks_{table} RENAME TO away")
        try:
            everything_said.append(deliver().content.decode())
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE away RENAME TO django_vwo_webhooks_{table}")


BROKEN = {
    "AUTHENTICATION": ["no.such.Class"],
    "SECRET": [SECRET, None, 5],
    "SDK_KEY": WORDS[0].encode(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_on_the_error_page_of_a_broken_setting(vwo, deliver, settings, everything_said, name):
    settings.DEBUG = True
    configure(settings, **{name: BROKEN[name]})
    response = deliver(secret=SECRET)
    assert response.status_code == 500
    everything_said.append(response.content.decode())
