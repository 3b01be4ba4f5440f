"""The webhook's view: methods, the order of refusals, the form of the answers."""

from itertools import compress, product

import pytest
from django.test import Client
from rest_framework.response import Response

from tests.conftest import configure

URL = "/webhooks/vwo/"
SECRET = "secret-that-must-not-leak-0123456789"
JSON = "application/json"


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "patch", "delete", "trace"])
def test_only_post_is_allowed(method):
    response = getattr(Client(), method)(URL, headers={"x-vwo-auth": SECRET})
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def test_the_order_of_refusals(settings):
    """Several things are wrong at once: the first in this order decides."""
    configure(settings, MAX_BODY_BYTES=10)
    for wrong in product([True, False], repeat=5):
        method, chunked, size, secret, content_type = wrong
        headers = {"x-vwo-auth": "wrong" if secret else SECRET}
        response = Client().generic(
            "PUT" if method else "POST",
            URL,
            b"not JSON, and large" if size else b"not JSON",
            content_type="text/plain" if content_type else JSON,
            headers={**headers, **({"Transfer-Encoding": "chunked"} if chunked else {})},
        )
        expected = [*compress([405, 411, 413, 401, 415], wrong), 400]
        assert response.status_code == expected[0], wrong


def test_the_answer_is_json_whatever_the_client_accepts():
    response = Client().post(
        URL, b"[]", content_type=JSON, headers={"x-vwo-auth": SECRET, "Accept": "text/html"}
    )
    assert (response.status_code, response.headers["Content-Type"]) == (400, JSON)


class Guest:
    """A site's stand-in for somebody without a login, whom its own permissions accept."""

    is_authenticated = True


def house_style(error, context):
    """A site's exception handler: the status is in the body."""
    return Response({"success": False}, status=200)


def test_no_default_of_the_site_accepts_a_stranger(settings):
    settings.REST_FRAMEWORK = {
        "UNAUTHENTICATED_USER": f"{__name__}.Guest",
        "UNAUTHENTICATED_TOKEN": f"{__name__}.Guest",
        "EXCEPTION_HANDLER": f"{__name__}.house_style",
    }
    for secret in (None, "wrong"):
        headers = {"x-vwo-auth": secret} if secret else {}
        response = Client().post(URL, b'{"event": "x"}', content_type=JSON, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "x-vwo-auth"
        assert list(response.json()) == ["detail"]


def test_a_refusal_is_not_answered_by_the_exception_handler_of_the_site(settings):
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{__name__}.house_style"}
    headers = {"x-vwo-auth": SECRET}
    for body, content_type, status in [
        (b"not JSON", JSON, 400),
        (b"{}", JSON, 400),
        (b"{}", "text/plain", 415),
        (b"x" * 70_000, JSON, 413),
    ]:
        response = Client().post(URL, body, content_type=content_type, headers=headers)
        assert response.status_code == status
    assert Client().get(URL, headers=headers).status_code == 405
