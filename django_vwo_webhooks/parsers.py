"""The request body in, a JSON object that every database can hold out."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import LimitedStream, WSGIRequest
from django.http import UnreadablePostError
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.request import Request

from . import strict_json
from .conf import app_settings

DEEPEST = 20
"""Levels of nesting; MariaDB takes 32 in all, VWO sends 1."""


class LengthRequired(APIException):
    status_code = 411
    default_detail = _(
        "This server can't read a chunked body. Send the request with a Content-Length."
    )
    default_code = "length_required"


class PayloadTooLarge(APIException):
    status_code = 413
    default_code = "payload_too_large"

    def __init__(self) -> None:
        super().__init__(_("The body may have at most %d bytes.") % app_settings.max_body_bytes)


class ChunkedBody(LimitedStream):
    """A chunked body that the server ends; Django would read as many bytes as Content-Length says.

    gunicorn tells of a chunk that is none by exceptions of its own, which Django does not expect.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size)
        except Exception as error:
            raise OSError("broken chunks") from error


def check_length(request: Request) -> None:
    """Refuse what is too large by its headers, before a byte of it is read."""
    http: Any = request._request
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if chunked and isinstance(http, WSGIRequest):
        if not http.environ.get("wsgi.input_terminated"):
            raise LengthRequired
        stream: Any = ChunkedBody(http.environ["wsgi.input"], app_settings.max_body_bytes + 1)
        http._stream = stream
    elif _content_length(request) > app_settings.max_body_bytes:
        raise PayloadTooLarge


def read_body(request: Request) -> bytes:
    """The body as it came. Raises DRF's 413 and 400 with what is wrong."""
    try:
        body: bytes = request._request.body
    except UnreadablePostError as error:
        raise ParseError(_("The body ended early, or its chunks are broken.")) from error
    except RequestDataTooBig as error:
        raise PayloadTooLarge from error
    except ValueError as error:  # what Django makes of a Content-Length that is no number
        raise ParseError(_("The Content-Length is not a number.")) from error
    if len(body) > app_settings.max_body_bytes:
        raise PayloadTooLarge
    return body


def parse(request: Request) -> dict[str, Any]:
    """The payload. Raises DRF's 415 and 400 with what is wrong."""
    if request.content_type.split(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(request.content_type or "none")
    body = read_body(request)
    try:
        payload = strict_json.loads(body)
        _check(payload, 1)
    except ValueError as error:
        raise ParseError(_("The body is not usable JSON: %s.") % error) from error
    if not isinstance(payload, dict):
        raise ParseError(_("The body should be a JSON object."))
    return payload


def _check(value: Any, level: int) -> None:
    if level > DEEPEST:
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("a string holds the character NUL")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("a string holds half a surrogate pair")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, level)
            _check(item, level + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, level + 1)


def _content_length(request: Request) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
