"""DRF authentication classes for VWO's deliveries, and the permission that demands them."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from .conf import SECRET_HEADER, app_settings
from .parsers import read_body


class Credential(NamedTuple):
    """What a request was authenticated by; becomes ``request.auth`` and is stored in the row."""

    label: str
    """Which of the configured secrets matched, by its position from 1: ``secret 2``."""

    def __str__(self) -> str:
        return self.label


Authenticated = tuple[Any, Credential]
"""Nobody, as the site has it, and what the request was authenticated by."""


class SharedSecretAuthentication(BaseAuthentication):
    """The secret that VWO sends in the header ``x-vwo-auth``.

    It is compared in constant time with every secret of ``VWO_WEBHOOKS["SECRET"]``; while none
    is configured, every request is refused.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> Authenticated | None:
        # the value is kept in no local variable: with DEBUG, error pages show even sensitive ones
        if not request.headers.get(SECRET_HEADER):
            return None
        position = _find_match(_header_bytes(request.headers[SECRET_HEADER]), _secrets())
        if position is None:
            raise AuthenticationFailed(f"The header {SECRET_HEADER} does not match.")
        return _nobody(), Credential(f"secret {position}")

    def authenticate_header(self, request: Request) -> str:
        return SECRET_HEADER


class WebhookSignatureAuthentication(BaseAuthentication):
    """An HMAC-SHA256 signature of the raw body, in hex, with or without the prefix ``sha256=``.

    It is sent in the header ``VWO_WEBHOOKS["SIGNATURE_HEADER"]``, and its key is any secret of
    ``VWO_WEBHOOKS["SECRET"]``. VWO's documentation promises such a signature without naming
    the header.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> Authenticated | None:
        header = app_settings.signature_header
        presented = request.headers.get(header)
        if not presented:
            return None
        body = read_body(request)
        expected = [
            hmac.new(secret, body, hashlib.sha256).hexdigest().encode() for secret in _secrets()
        ]
        signature = presented.strip().lower().removeprefix("sha256=")
        position = _find_match(_header_bytes(signature), expected)
        if position is None:
            raise AuthenticationFailed(f"The signature in the header {header} does not match.")
        return _nobody(), Credential(f"signature {position}")

    def authenticate_header(self, request: Request) -> str:
        return app_settings.signature_header


class SecretAndSignatureAuthentication(BaseAuthentication):
    """Requires both, whereas a list of the two classes accepts either.

    The secret is checked first, so that the body of an unauthenticated request is not read.
    """

    both = (SharedSecretAuthentication(), WebhookSignatureAuthentication())

    def authenticate(self, request: Request) -> Authenticated | None:
        if not any(request.headers.get(one.authenticate_header(request)) for one in self.both):
            return None
        labels = []
        for one in self.both:
            authenticated = one.authenticate(request)
            if authenticated is None:
                header = one.authenticate_header(request)
                raise AuthenticationFailed(f"The header {header} is missing.", "missing")
            labels.append(str(authenticated[1]))
        return _nobody(), Credential(", ".join(labels))

    def authenticate_header(self, request: Request) -> str:
        return ", ".join(one.authenticate_header(request) for one in self.both)


class IsAuthenticatedSender(IsAuthenticated):
    """Requires that an authentication class has accepted the request.

    Without it, DRF lets a request pass as anonymous when every class returned None.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        # the site's UNAUTHENTICATED_USER and UNAUTHENTICATED_TOKEN are of nobody's request;
        # our own classes set request.auth; DRF's BasicAuthentication, for one, sets only the user
        if request.successful_authenticator is not None and (
            request.auth is not None or super().has_permission(request, view)
        ):
            return True
        headers = [one.authenticate_header(request) for one in view.get_authenticators()]
        names = " or ".join(filter(None, headers))
        self.message = f"The header {names} is missing." if names else "The sender is not known."
        return False


def authenticated_by(request: Request) -> str:
    """Return what the request was authenticated by; for a class of the site's own, its name."""
    if isinstance(request.auth, Credential):
        return str(request.auth)
    return type(request.successful_authenticator).__name__[:100]


def remove_credentials(request: Any) -> None:
    """Take the credentials' headers out of a request, once they have been compared.

    Whatever fails later reports the request: Django's error pages and mails, the log records of
    ``django.request``, and error reporters.
    """
    # in META a dash is an underscore, and so a header with one is taken for the same
    names = {name.upper().replace("-", "_") for name in app_settings.credential_headers}
    for name in names:
        request.META.pop(f"HTTP_{name}", None)
    request.__dict__.pop("headers", None)  # Django's copy of them
    scope = getattr(request, "scope", None)  # of ASGI
    if scope is not None:
        scope["headers"] = [
            (name, value)
            for name, value in scope["headers"]
            if name.decode("latin-1").upper().replace("-", "_") not in names
        ]


def _nobody() -> Any:
    """What ``request.user`` is for a sender who is no user: DRF's setting, as the site has it."""
    # AnonymousUser can't be imported where django.contrib.auth is not installed
    make: Any = api_settings.UNAUTHENTICATED_USER
    return make() if make else None


@sensitive_variables()
def _secrets() -> list[bytes]:
    # what an environment variable has beyond UTF-8 is in Python's strings as half surrogate pairs
    return [secret.encode("utf-8", "surrogateescape") for secret in app_settings.secrets]


@sensitive_variables()
def _find_match(candidate: bytes, accepted: Iterable[bytes]) -> int | None:
    """Return the position, from 1, of the value that matches; compares with all of them."""
    matches = [place for place, value in enumerate(accepted, start=1) if _equal(candidate, value)]
    return matches[0] if matches else None


@sensitive_variables()
def _equal(one: bytes, other: bytes) -> bool:
    # digests are equally long, so that the time reveals nothing about the length of the secret
    return hmac.compare_digest(hashlib.sha256(one).digest(), hashlib.sha256(other).digest())


def _header_bytes(value: str) -> bytes:
    """Return the bytes that were sent: Django decodes headers as Latin-1."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
