"""The shared secret, the HMAC-SHA256 signature, both, and classes of the site's own."""

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


WRONG_SECRETS = {
    "missing": {},
    "empty": {"x-vwo-auth": ""},
    "wrong": {"x-vwo-auth": "wrong"},
    "a prefix": {"x-vwo-auth": SECRET[:-1]},
    "longer": {"x-vwo-auth": SECRET + "x"},
    "Latin-1": {"x-vwo-auth": "gehéim"},
    "beyond Latin-1": {"x-vwo-auth": "секрет"},
    "half a surrogate pair": {"x-vwo-auth": "\ud800"},
}


@pytest.mark.parametrize("headers", WRONG_SECRETS.values(), ids=WRONG_SECRETS)
def test_any_other_secret_is_a_401_without_a_query(headers, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        response = post(b"not JSON", **headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "x-vwo-auth"


@pytest.mark.parametrize(
    ("headers", "kind", "reason"),
    [
        ({}, "missing", "The header x-vwo-auth is missing."),
        ({"x-vwo-auth": ""}, "missing", "The header x-vwo-auth is missing."),
        ({"x-vwo-auth": "guessed-value"}, "mismatch", "The header x-vwo-auth does not match."),
    ],
)
def test_the_log_names_the_reason_and_never_the_value(caplog, headers, kind, reason):
    with caplog.at_level(logging.DEBUG):
        assert post(b"{}", **headers).json() == {"detail": reason}
    [line] = [r.getMessage() for r in caplog.records if r.name == "django_vwo_webhooks"]
    assert line == f"A webhook from 127.0.0.1 was refused, {kind}: {reason}"
    assert "guessed-value" not in caplog.text


@pytest.mark.parametrize("secret", [None, "", [], ["", None]])
def test_everything_is_refused_while_no_secret_is_set(settings, secret):
    configure(settings, SECRET=secret)
    assert post(b"{}", **{"x-vwo-auth": ""}).status_code == 401
    assert post(b"{}", **{"x-vwo-auth": "None"}).status_code == 401


def test_a_secret_may_contain_non_ascii_characters(settings):
    configure(settings, SECRET="geheim-für-alle-Fälle")
    as_sent = "geheim-für-alle-Fälle".encode().decode("latin-1")
    assert post(b"{}", **{"x-vwo-auth": as_sent}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_each_listed_secret_is_accepted(vwo, settings, deliver):
    configure(settings, SECRET=["old-secret-0123456789", "new-secret-0123456789"])
    assert deliver(secret="old-secret-0123456789").status_code == 200
    assert deliver(secret="new-secret-0123456789").status_code == 200
    assert deliver(secret="another-one-0123456789").status_code == 401


@pytest.fixture
def by_signature(settings):
    configure(settings, AUTHENTICATION=[SIGNATURE])


ACCEPTED_SIGNATURES = {
    "hex": sign(),
    "prefixed": f"sha256={sign()}",
    "upper case": sign().upper(),
    "prefixed in upper case": f"SHA256={sign().upper()}",
    "surrounded by spaces": f"  {sign()} ",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("signature", ACCEPTED_SIGNATURES.values(), ids=ACCEPTED_SIGNATURES)
def test_a_valid_signature_is_accepted(vwo, by_signature, signature):
    assert post(**{"x-vwo-signature": signature}).status_code == 200
    assert WebhookEvent.objects.get().credential == "signature 1"


WRONG_SIGNATURES = {
    "missing": {},
    "empty": {"x-vwo-signature": ""},
    "only the prefix": {"x-vwo-signature": "sha256="},
    "of another body": {"x-vwo-signature": sign(b"{}")},
    "with another secret": {"x-vwo-signature": sign(secret="another-secret-0123456789")},
    "cut off": {"x-vwo-signature": sign()[:-1]},
    "too long": {"x-vwo-signature": sign() + "0"},
    "another algorithm": {"x-vwo-signature": f"sha1={sign()}"},
    "twice the prefix": {"x-vwo-signature": f"sha256=sha256={sign()}"},
    "not ASCII": {"x-vwo-signature": "\ud800é"},
    "the secret": {"x-vwo-signature": SECRET},
    "the shared secret instead": {"x-vwo-auth": SECRET},
}


@pytest.mark.parametrize("headers", WRONG_SIGNATURES.values(), ids=WRONG_SIGNATURES)
def test_any_other_signature_is_a_401_without_a_query(
    by_signature, headers, db, django_assert_num_queries
):
    with django_assert_num_queries(0):
        response = post(**headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "x-vwo-signature"


def test_every_signature_is_refused_while_no_secret_is_set(settings):
    configure(settings, AUTHENTICATION=[SIGNATURE], SECRET=["", None])
    assert post(**{"x-vwo-signature": sign(secret="")}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_header_and_secrets_are_configurable(vwo, settings):
    secrets = ["old-secret-0123456789", "new-secret-0123456789"]
    configure(settings, AUTHENTICATION=[SIGNATURE], SECRET=secrets, SIGNATURE_HEADER="X-Signed")
    assert post(**{"x-signed": sign(secret=secrets[1])}).status_code == 200
    assert WebhookEvent.objects.get().credential == "signature 2"
    assert post(**{"x-vwo-signature": sign(secret=secrets[1])}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_list_of_classes_accepts_either(vwo, settings):
    configure(settings, AUTHENTICATION=[SHARED, SIGNATURE])
    assert post(**{"x-vwo-auth": SECRET}).status_code == 200
    assert post(**{"x-vwo-signature": sign()}).status_code == 200
    credentials = WebhookEvent.objects.order_by("pk").values_list("credential", flat=True)
    assert list(credentials) == ["secret 1", "signature 1"]
    missing = post()
    assert missing.headers["WWW-Authenticate"] == "x-vwo-auth, x-vwo-signature"
    assert missing.json() == {"detail": "The header x-vwo-auth or x-vwo-signature is missing."}


@pytest.mark.django_db(transaction=True)
def test_one_class_requires_both(vwo, settings, caplog):
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


def test_without_the_secret_the_body_is_not_read_for_its_signature(settings):
    class Slow:
        def read(self, *args):
            raise AssertionError("the body of an unauthenticated request was read")

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


def test_a_body_that_is_too_large_is_not_read_for_its_signature(by_signature, settings):
    configure(settings, AUTHENTICATION=[SIGNATURE], MAX_BODY_BYTES=10)
    assert post(b"x" * 11, **{"x-vwo-signature": sign(b"x" * 11)}).status_code == 413


def test_a_signed_body_must_be_json_too(by_signature):
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
    assert offered() == [], "a single secret needs no filter"
    now = timezone.now().replace(microsecond=0)
    for minutes, retried, secret in ((90, 90, 2), (50, 5, 2), (20, 20, 2), (1, 1, 1)):
        deliver(action=f"{minutes} minutes ago", secret="old-secret-0123456789")
        WebhookEvent.objects.filter(action=f"{minutes} minutes ago").update(
            credential=f"secret {secret}",
            received_at=now - timedelta(minutes=minutes),
            last_received_at=now - timedelta(minutes=retried),
        )
    WebhookEvent.objects.filter(action=PAYLOAD["action"]).delete()
    assert offered() == [
        ("secret+1", f"secret 1: {now - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"),
        ("secret+2", f"secret 2: {now - timedelta(minutes=5):%Y-%m-%d %H:%M:%S}"),
    ]
    chosen = admin_client.get("/admin/django_vwo_webhooks/webhookevent/?credential=secret%202")
    assert chosen.context["cl"].result_count == 3


class SiteAuthentication:
    """An authentication class as a site may have it, whose ``request.auth`` may be a secret."""

    def authenticate(self, request):
        return None, "a-token-that-must-not-leak"

    def authenticate_header(self, request):
        return "x-token"


@pytest.mark.django_db(transaction=True)
def test_of_a_class_of_the_sites_own_only_the_name_is_stored(vwo, settings):
    configure(settings, AUTHENTICATION=[f"{__name__}.SiteAuthentication"])
    assert post().status_code == 200
    assert WebhookEvent.objects.get().credential == "SiteAuthentication"


class Passing(BaseAuthentication):
    """Accepts nothing and names no header, for which DRF alone would answer 403."""

    def authenticate(self, request):
        return None


class Refusing(BaseAuthentication):
    def authenticate(self, request):
        raise AuthenticationFailed("No.")


@pytest.mark.parametrize("name", ["Passing", "Refusing"])
def test_a_refusal_by_a_class_without_a_header_is_a_401_too(
    settings, name, db, django_assert_num_queries
):
    configure(settings, AUTHENTICATION=[f"{__name__}.{name}"])
    with django_assert_num_queries(0):
        response = post()
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Webhook"
    assert response.json()["detail"] in ("The sender is not known.", "No.")


@pytest.mark.django_db(transaction=True)
def test_a_class_may_authenticate_by_the_user_alone(vwo, settings, django_user_model):
    """As DRF's BasicAuthentication does, which leaves ``request.auth`` empty."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    configure(settings, AUTHENTICATION=["rest_framework.authentication.BasicAuthentication"])
    django_user_model.objects.create_user("vwo", password="a-password")
    for password, status in (("a-password", 200), ("wrong", 401)):
        pair = base64.b64encode(f"vwo:{password}".encode()).decode()
        assert post(Authorization=f"Basic {pair}").status_code == status
    assert post().status_code == 401
    assert WebhookEvent.objects.get().credential == "BasicAuthentication"
