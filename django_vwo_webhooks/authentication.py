"""Who may post."""

import hashlib
import hmac
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from .conf import app_settings

SECRET_HEADER = "x-vwo-auth"  # noqa: S105 - the name of VWO's header, not a secret


@dataclass(frozen=True)
class Credential:
    """What let a request in; becomes ``request.auth``."""

    position: int
    """Which of the configured secrets matched, counted from 0."""

    def __str__(self) -> str:
        return f"secret {self.position + 1}"


class SharedSecretAuthentication(BaseAuthentication):
    """The secret that VWO sends in the header ``x-vwo-auth``.

    Compared in constant time against every secret of ``VWO_WEBHOOKS["SECRET"]``; with none
    configured nobody gets in.
    """

    @sensitive_variables()
    def authenticate(self, request: Request) -> tuple[AnonymousUser, Credential] | None:
        presented = request.headers.get(SECRET_HEADER)
        if not presented:
            return None
        candidate = _header_bytes(presented)
        matches = [
            position
            for position, secret in enumerate(app_settings.secrets)
            if _same(candidate, secret.encode())
        ]
        if not matches:
            raise AuthenticationFailed(f"The header {SECRET_HEADER} does not match.")
        return AnonymousUser(), Credential(matches[0])

    def authenticate_header(self, request: Request) -> str:
        return SECRET_HEADER


class IsAuthenticatedSender(BasePermission):
    """Demands that an authentication class vouched for the request.

    DRF lets a request that no class answered for pass as anonymous.
    """

    message = f"The header {SECRET_HEADER} is missing."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.auth is not None


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
