"""Who may post."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from .conf import app_settings
from .parsers import read_body

SECRET_HEADER = "x-vwo-auth"  # noqa: S105 - the name of VWO's header, not a secret


@dataclass(frozen=True)
class Credential:
    """What let a request in; becomes ``request.auth`` and stands in the event's row."""

    label: str
    """Which of the configured secrets matched, by its place from 1: ``secret 2``."""

    def __str__(self) -> str:
        return self.label


Vouched = tuple[AnonymousUser, Credential]


class SharedSecretAuthentication(BaseAuthentication):
    """The secret that VWO sends in the header ``x-vwo-auth``.

    Compared in constant time against every secret of ``VWO_WEBHOOKS["SECRET"]``; with none
    configured nobody gets in.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> Vouched | None:
        # in no local variable: with DEBUG an error page shows them, whatever is marked as sensitive
        if not request.headers.get(SECRET_HEADER):
            return None
        place = _matching(_header_bytes(request.headers[SECRET_HEADER]), _secrets())
        if place is None:
            raise AuthenticationFailed(f"The header {SECRET_HEADER} does not match.")
        return AnonymousUser(), Credential(f"secret {place}")

    def authenticate_header(self, request: Request) -> str:
        return SECRET_HEADER


class WebhookSignatureAuthentication(BaseAuthentication):
    """An HMAC-SHA256 signature of the raw body, in hex, with or without ``sha256=`` before it.

    It stands in the header ``VWO_WEBHOOKS["SIGNATURE_HEADER"]``; the key is any of
    ``VWO_WEBHOOKS["SECRET"]``. VWO's page promises such a signature and names no header.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> Vouched | None:
        header = app_settings.signature_header
        presented = request.headers.get(header)
        if not presented:
            return None
        body = read_body(request)
        expected = [
            hmac.new(secret, body, hashlib.sha256).hexdigest().encode() for secret in _secrets()
        ]
        signature = presented.strip().lower().removeprefix("sha256=")
        place = _matching(_header_bytes(signature), expected)
        if place is None:
            raise AuthenticationFailed(f"The signature in the header {header} does not match.")
        return AnonymousUser(), Credential(f"signature {place}")

    def authenticate_header(self, request: Request) -> str:
        return app_settings.signature_header


class SecretAndSignatureAuthentication(BaseAuthentication):
    """Demands both, while a list of the two classes is content with either.

    The secret comes first: a stranger's body is not read, let alone waited for.
    """

    both = (SharedSecretAuthentication(), WebhookSignatureAuthentication())

    def authenticate(self, request: Request) -> Vouched | None:
        if not any(request.headers.get(one.authenticate_header(request)) for one in self.both):
            return None
        labels = []
        for one in self.both:
            vouched = one.authenticate(request)
            if vouched is None:
                header = one.authenticate_header(request)
                raise AuthenticationFailed(f"The header {header} is missing.", "missing")
            labels.append(str(vouched[1]))
        return AnonymousUser(), Credential(", ".join(labels))

    def authenticate_header(self, request: Request) -> str:
        return ", ".join(one.authenticate_header(request) for one in self.both)


class IsAuthenticatedSender(IsAuthenticated):
    """Demands that an authentication class vouched for the request.

    DRF lets a request that no class answered for pass as anonymous.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        # our own classes vouch by request.auth, DRF's BasicAuthentication for instance by the user
        if request.auth is not None or super().has_permission(request, view):
            return True
        headers = [one.authenticate_header(request) for one in view.get_authenticators()]
        names = " or ".join(filter(None, headers))
        self.message = f"The header {names} is missing." if names else "The sender is not known."
        return False


def _secrets() -> list[bytes]:
    return [secret.encode() for secret in app_settings.secrets]


@sensitive_variables()
def _matching(candidate: bytes, wanted: Iterable[bytes]) -> int | None:
    """The place, from 1, of the one that equals ``candidate``; all of them are compared."""
    matches = [place for place, one in enumerate(wanted, start=1) if _same(candidate, one)]
    return matches[0] if matches else None


@sensitive_variables()
def _same(one: bytes, other: bytes) -> bool:
    # digests are of one length, so that the comparison tells nothing about the secret's
    return hmac.compare_digest(hashlib.sha256(one).digest(), hashlib.sha256(other).digest())


def _header_bytes(value: str) -> bytes:
    """The bytes that came over the wire: Django reads headers as Latin-1."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
