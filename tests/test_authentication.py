"""Who gets in by an HMAC-SHA256 signature, alone or together with the shared secret."""

import base64
import hashlib
import hmac
import json
import logging
import re
from datetime import timedelta

import pytest
from django.conf import settings as site
from django.test import Client
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from django_vwo_webhooks.models import WebhookEvent
from tests.conftest import PAYLOAD, configure

AUTHENTICATION = "django_vwo_webhooks.authentication."
SHARED = f"{AUTHENTICATION}SharedSecretAuthentication"
SIGNATURE = f"{AUTHENTICATION}WebhookSignatureAuthentication"
BOTH = f"{AUTHENTICATION}SecretAndSignatureAuthentication"
SECRET = site.VWO_WEBHOOKS["SECRET"]
BODY = json.dumps(PAYLOAD).encode()


def sign(body=BODY, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(body=BODY, **headers):
    return Client(raise_request_exception=False).post(
        "/webhooks/vwo/", body, content_type="application/json", headers=headers
    )


@pytest.fixture
def by_signature(settings):
    configure(settings, AUTHENTICATION=[SIGNATURE])


ACCEPTED = {
    "hex": sign(),
    "prefixed": f"sha256={sign()}",
    "upper case": sign().upper(),
    "prefixed in upper case": f"SHA256={sign().upper()}",
    "with blanks around": f"  {sign()} ",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("signature", ACCEPTED.values(), ids=ACCEPTED)
def test_a_right_signature_opens(vwo, by_signature, signature):
    assert post(**{"x-vwo-signature": signature}).status_code == 200
    assert WebhookEvent.objects.get().credential == "signature 1"


REFUSED = {
    "missing": {},
    "empty": {"x-vwo-signature": ""},
    "only the prefix": {"x-vwo-signature": "sha256="},
    "of another body": {"x-vwo-signature": sign(b"{}")},
    "with another secret": {"x-vwo-signature": sign(secret="another-secret-0123456789")},
    "a part of it": {"x-vwo-signature": sign()[:-1]},
    "too long": {"x-vwo-signature": sign() + "0"},
    "another algorithm": {"x-vwo-signature": f"sha1={sign()}"},
    "twice the prefix": {"x-vwo-signature": f"sha256=sha256={sign()}"},
    "not ASCII": {"x-vwo-signature": "\ud800é"},
    "the secret": {"x-vwo-signature": SECRET},
    "the shared secret instead": {"x-vwo-auth": SECRET},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_a_wrong_one_does_not(by_signature, headers, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = post(**headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "x-vwo-signature"


def test_nothing_opens_without_a_secret(settings):
    configure(settings, AUTHENTICATION=[SIGNATURE], SECRET=["", None])
    assert post(**{"x-vwo-signature": sign(secret="")}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_the_header_and_the_secrets_are_the_settings(vwo, settings):
    secrets = ["old-secret-0123456789", "new-secret-0123456789"]
    configure(settings, AUTHENTICATION=[SIGNATURE], SECRET=secrets, SIGNATURE_HEADER="X-Signed")
    assert post(**{"x-signed": sign(secret=secrets[1])}).status_code == 200
    assert WebhookEvent.objects.get().credential == "signature 2"
    assert post(**{"x-vwo-signature": sign(secret=secrets[1])}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_list_is_content_with_either(vwo, settings):
    configure(settings, AUTHENTICATION=[SHARED, SIGNATURE])
    assert post(**{"x-vwo-auth": SECRET}).status_code == 200
    assert post(**{"x-vwo-signature": sign()}).status_code == 200
    credentials = WebhookEvent.objects.order_by("pk").values_list("credential", flat=True)
    assert list(credentials) == ["secret 1", "signature 1"]
    missing = post()
    assert missing.headers["WWW-Authenticate"] == "x-vwo-auth, x-vwo-signature"
    assert missing.json() == {"detail": "The header x-vwo-auth or x-vwo-signature is missing."}


@pytest.mark.django_db(transaction=True)
def test_one_class_demands_both(vwo, settings, caplog):
    configure(settings, AUTHENTICATION=[BOTH])
    right = {"x-vwo-auth": SECRET, "x-vwo-signature": sign()}
    assert post(**right).status_code == 200
    assert WebhookEvent.objects.get().credential == "secret 1, signature 1"
    for header in right:
        with caplog.at_level(logging.WARNING, "django_vwo_webhooks"):
            missing = post(**{**right, header: ""})
        assert missing.status_code == 401
        assert missing.json() == {"detail": f"The header {header} is missing."}
        assert f"was refused, missing: The header {header}" in caplog.text
        assert post(**{**right, header: "wrong"}).status_code == 401
    assert post().status_code == 401


def test_without_the_secret_no_body_is_read_for_its_signature(settings):
    class Slow:
        def read(self, *args):
            raise AssertionError("a stranger's body was waited for")

        readline = read

    configure(settings, AUTHENTICATION=[BOTH])
    response = Client().generic(
        "POST",
        "/webhooks/vwo/",
        headers={"x-vwo-signature": sign()},
        CONTENT_TYPE="application/json",
        CONTENT_LENGTH=str(len(BODY)),
        **{"wsgi.input": Slow()},
    )
    assert response.status_code == 401
    assert response.json() == {"detail": "The header x-vwo-auth is missing."}


def test_a_body_is_not_read_to_the_end_for_its_signature(by_signature, settings):
    configure(settings, AUTHENTICATION=[SIGNATURE], MAX_BODY_BYTES=10)
    assert post(b"x" * 11, **{"x-vwo-signature": sign(b"x" * 11)}).status_code == 413


def test_a_signed_body_is_still_to_be_json(by_signature):
    assert post(b"x", **{"x-vwo-signature": sign(b"x")}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_row_names_the_secret_that_was_used_last(vwo, settings, deliver):
    configure(settings, SECRET=["old-secret-0123456789", "new-secret-0123456789"])
    vwo.misbehave(status=500)
    assert deliver(secret="old-secret-0123456789").status_code == 503
    assert deliver(secret="new-secret-0123456789").status_code == 503
    event = WebhookEvent.objects.get()
    assert (event.credential, event.deliveries) == ("secret 2", 2)


@pytest.mark.django_db(transaction=True)
def test_the_admin_says_when_each_secret_was_last_used(vwo, settings, deliver, admin_client):
    def offered():
        text = admin_client.get("/admin/django_vwo_webhooks/webhookevent/").content.decode()
        return re.findall(r'"\?credential=(secret[^"]+)">(secret \d: [-0-9]+ [:0-9]+)<', text)

    configure(settings, SECRET=["new-secret-0123456789", "old-secret-0123456789"])
    deliver(secret="new-secret-0123456789")
    assert offered() == [], "one that is used alone needs no choice"
    now = timezone.now().replace(microsecond=0)
    for minutes, repeated, secret in ((90, 90, 2), (50, 5, 2), (20, 20, 2), (1, 1, 1)):
        deliver(action=f"{minutes} minutes ago", secret="old-secret-0123456789")
        WebhookEvent.objects.filter(action=f"{minutes} minutes ago").update(
            credential=f"secret {secret}",
            received_at=now - timedelta(minutes=minutes),
            last_received_at=now - timedelta(minutes=repeated),
        )
    WebhookEvent.objects.filter(action=PAYLOAD["action"]).delete()
    assert offered() == [
        ("secret+1", f"secret 1: {now - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"),
        ("secret+2", f"secret 2: {now - timedelta(minutes=5):%Y-%m-%d %H:%M:%S}"),
    ]
    chosen = admin_client.get("/admin/django_vwo_webhooks/webhookevent/?credential=secret%202")
    assert chosen.context["cl"].result_count == 3


class Foreign:
    """An authentication class as a site may have it: what it vouches with may be a secret."""

    def authenticate(self, request):
        return None, "a-token-that-must-not-leak"

    def authenticate_header(self, request):
        return "x-token"


@pytest.mark.django_db(transaction=True)
def test_of_a_class_of_the_sites_own_the_row_holds_no_value(vwo, settings):
    configure(settings, AUTHENTICATION=[f"{__name__}.Foreign"])
    assert post().status_code == 200
    assert WebhookEvent.objects.get().credential == "Foreign"


class Passing(BaseAuthentication):
    """Answers for nobody, and names no header: DRF would make a 403 of that."""

    def authenticate(self, request):
        return None


class Refusing(BaseAuthentication):
    def authenticate(self, request):
        raise AuthenticationFailed("No.")


@pytest.mark.parametrize("name", ["Passing", "Refusing"])
def test_who_is_not_let_in_by_a_class_without_a_header_gets_a_401_too(
    settings, name, db, django_assert_num_queries
):
    configure(settings, AUTHENTICATION=[f"{__name__}.{name}"])
    with django_assert_num_queries(0):
        response = post()
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Webhook"
    assert response.json()["detail"] in ("The sender is not known.", "No.")


@pytest.mark.django_db(transaction=True)
def test_a_user_may_vouch(vwo, settings, django_user_model):
    """As with DRF's own BasicAuthentication, which leaves ``request.auth`` empty."""
    configure(settings, AUTHENTICATION=["rest_framework.authentication.BasicAuthentication"])
    django_user_model.objects.create_user("vwo", password="a-password")
    for password, status in (("a-password", 200), ("wrong", 401)):
        pair = base64.b64encode(f"vwo:{password}".encode()).decode()
        assert post(Authorization=f"Basic {pair}").status_code == status
    assert post().status_code == 401
    assert WebhookEvent.objects.get().credential == "BasicAuthentication"
