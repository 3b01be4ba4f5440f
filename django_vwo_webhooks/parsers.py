"""What a request holds: its body as a JSON object that every database can store, its sender."""

import ipaddress
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import RawPostDataException, UnreadablePostError
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.settings import api_settings

from . import strict_json
from .conf import app_settings
from .models.text import storable

MAX_DEPTH = 20
"""Accepted levels of nesting; VWO sends 1."""


class LengthRequired(APIException):
    status_code = 411
    default_detail = (
        "This server can't read a chunked body. Send the request with a Content-Length."
    )
    default_code = "length_required"


class PayloadTooLarge(APIException):
    status_code = 413
    default_code = "payload_too_large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The body must not exceed {max_bytes} bytes.")


class BodyWasRead(Exception):
    """A middleware of the site has read the body as a stream, so it can't be read again."""


def check_length(request: Request) -> None:
    """Refuse by its headers what is too large or can't be read, before reading a byte of it."""
    if _is_chunked(request):
        if not request.META.get("wsgi.input_terminated"):
            raise LengthRequired
    elif _content_length(request) > app_settings.max_body_bytes:
        raise PayloadTooLarge(app_settings.max_body_bytes)


def read_body(request: Request) -> bytes:
    """Return the body as it was sent. Raises DRF's 413 and 400 with what is wrong.

    Raises ``BodyWasRead`` where a middleware of the site has kept it from this.
    """
    body = _chunked_body(request) if _is_chunked(request) else _sized_body(request)
    if len(body) > app_settings.max_body_bytes:
        raise PayloadTooLarge(app_settings.max_body_bytes)
    return body


def parse(request: Request) -> dict[str, Any]:
    """Return the payload, with escapes for what no database has to hold.

    Raises DRF's 415 and 400 with what is wrong.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(encoding, _encoded(encoding))
    if not _is_json(request):
        raise UnsupportedMediaType(request.content_type or "none")
    body = read_body(request)
    if not body.strip():
        raise ParseError("The body is empty, unless a middleware of this site has read it.")
    try:
        payload = _storable(strict_json.loads(body, parse_int=_number_or_text), 1)
    except ValueError as error:
        raise ParseError(f"The body is not usable JSON: {error}.") from error
    if not isinstance(payload, dict):
        raise ParseError("The body should be a JSON object.")
    return payload


def remote_addr(request: Request) -> str | None:
    """Return the sender's address, or None where the server does not report a valid one.

    With ``STORE_REMOTE_ADDR = False`` it is None, so that it gets into no row and no log line.

    The number of trusted proxies is DRF's ``NUM_PROXIES``, as for throttles; without it, or with
    0, this is the address of the connection.
    """
    if not app_settings.store_remote_addr:
        return None
    address = str(request.META.get("REMOTE_ADDR") or "")
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR") or "")
    proxies = api_settings.NUM_PROXIES
    if isinstance(proxies, int) and proxies > 0 and forwarded:
        hops = forwarded.split(",")
        address = hops[-min(proxies, len(hops))]
    return _parse_address(address.strip())


def _is_json(request: Request) -> bool:
    return str(request.content_type).split(";")[0].strip().lower() == "application/json"


def _encoded(encoding: str) -> str:
    return f"The body has the Content-Encoding “{encoding[:50]}”. Send it without one."


def _is_chunked(request: Request) -> bool:
    """Whether this is WSGI and the body is chunked; under ASGI, Django reads such a body itself."""
    encoding = request.headers.get("Transfer-Encoding", "")
    return "wsgi.input" in request.META and "chunked" in encoding.lower()


def _content_length(request: Request) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _sized_body(request: Request) -> bytes:
    try:
        return request.body
    except UnreadablePostError as error:
        raise ParseError("The body ended early, or its chunks are broken.") from error
    except RequestDataTooBig as error:  # for Django, the limit for forms counts for each body
        raise PayloadTooLarge(settings.DATA_UPLOAD_MAX_MEMORY_SIZE) from error
    except RawPostDataException as error:
        if not _is_json(request):  # Django has read it as a form for a middleware
            raise UnsupportedMediaType(request.content_type or "none") from error
        raise BodyWasRead from error
    except ValueError as error:  # raised by Django when the Content-Length is not a number
        raise ParseError("The Content-Length is not a number.") from error


def _chunked_body(request: Request) -> bytes:
    """Read the body from the server, once, and at most one byte more than is accepted.

    Django reads nothing by itself, since a chunked request has no Content-Length; a middleware of
    the site may have arranged that it has read the body.
    """
    context: dict[str, Any] = request.parser_context
    if "chunked_body" not in context:
        context["chunked_body"] = _sized_body(request) or _rest_of_stream(request)
    return bytes(context["chunked_body"])


def _rest_of_stream(request: Request) -> bytes:
    stream, limit, body = request.META["wsgi.input"], app_settings.max_body_bytes, b""
    try:
        while len(body) <= limit and (piece := stream.read(limit + 1 - len(body))):
            body += piece
    except Exception as error:  # gunicorn raises exceptions of its own for broken chunks
        raise ParseError("The body ended early, or its chunks are broken.") from error
    return body


def _number_or_text(digits: str) -> int | str:
    """The number, or its digits where Python refuses so many."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _storable(value: Any, level: int) -> Any:
    """``value`` with escapes in its texts. Raises ``ValueError`` where it is nested too deeply."""
    if level > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _storable(item, level + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item, level + 1) for item in value]
    return value


def _parse_address(text: str) -> str | None:
    """Return the address in ``1.2.3.4``, ``1.2.3.4:567``, ``::1`` or ``[::1]:567``, or None."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None
