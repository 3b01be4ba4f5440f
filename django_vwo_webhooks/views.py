import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar

from django.db import Error, connections, transaction
from django.utils import translation
from django.utils.module_loading import import_string
from rest_framework import exceptions, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from .authentication import IsAuthenticatedSender, authenticated_by, remove_credentials
from .conf import app_settings
from .connections import RUN_MIGRATE, lacks_table
from .exceptions import RefreshFailed
from .follower import follow_soon
from .log_once import LogOnce, OnceInAWhile
from .parsers import BodyWasRead, check_length, parse, remote_addr
from .process import PerProcess
from .refresh.deadline import Deadline
from .refresh.delivery import Delivery, deliver
from .refusals import refusals
from .serializers import WebhookEventSerializer, fleet_status_json
from .status import fleet_status

logger = logging.getLogger("django_vwo_webhooks")

# VWO and monitors ask again every second or so, and each time would be a traceback
recording_log = PerProcess(
    lambda: LogOnce(
        "recording webhooks", "they are answered 503, so that VWO retries them", logging.ERROR
    )
)
status_log = PerProcess(
    lambda: LogOnce("reading the status", "monitors are answered 503", logging.ERROR)
)
read_body_log = PerProcess(OnceInAWhile)

R = TypeVar("R")


def in_english(method: Callable[..., R]) -> Callable[..., R]:
    """Decorate a method whose messages a machine reads, whatever the site's language is.

    ``translation.override`` as a decorator would share one state between all threads.
    """

    @wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> R:
        with translation.override("en"):
            return method(*args, **kwargs)

    return wrapped


class OnlyJSON(DefaultContentNegotiation):
    """Answers in JSON whatever the ``Accept`` header says: VWO would retry after a 406."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class PlainJSON(JSONRenderer):
    """JSON in the same form on each site."""

    compact = True
    ensure_ascii = False
    strict = True


class JSONView(APIView):
    """A view for machines: what the site's ``REST_FRAMEWORK`` sets for its own has no effect."""

    parser_classes: list[Any] = []
    renderer_classes = [PlainJSON]
    content_negotiation_class = OnlyJSON
    metadata_class = None
    throttle_classes: list[Any] = []
    versioning_class = None
    schema = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        # the row must be committed before the refresh starts, on whichever database it lives
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def get_exception_handler(self) -> Any:
        # a refusal that the site's own answers with 200 would be taken for a success
        return exception_handler


class WebhookView(JSONView):
    """Receives VWO's webhook; answers 2xx only when VWO's settings are in force here."""

    http_method_names = ["post"]
    permission_classes = [IsAuthenticatedSender]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.django_request = request
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            # where DRF has failed before ``initial``
            remove_credentials(request)

    @in_english
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check method, size and sender, in this order, before anything is parsed."""
        self.arrived_at = time.monotonic()
        try:
            if request.method != "POST":
                raise exceptions.MethodNotAllowed(str(request.method))
            check_length(request)
            super().initial(request, *args, **kwargs)
        finally:
            # before a receiver can fail, whose errors are reported with the request
            remove_credentials(self.django_request)
        refusals().accepted()

    @property
    def default_response_headers(self) -> dict[str, str]:
        # Django would name the site's language
        return {**super().default_response_headers, "Content-Language": "en"}

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [import_string(path)() for path in app_settings.authentication]

    def get_authenticate_header(self, request: Request) -> str:
        challenges = [one.authenticate_header(request) for one in self.get_authenticators()]
        # without any DRF would answer 403, and a class of the site's own may have none
        return ", ".join(filter(None, challenges)) or "Webhook"

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        raise exceptions.NotAuthenticated(message)

    def post(self, request: Request, **kwargs: Any) -> Response:
        """Answer a delivery; ``kwargs`` is what the site's own part of the URL captures."""
        # in the site's language again: receivers of the signals may write to people
        delivery = deliver(self.read(request), Deadline.starting(self.arrived_at))
        recording_log().succeeded()
        delivery.announce()
        return answer(delivery)

    @in_english
    def read(self, request: Request) -> dict[str, Any]:
        """Return the values of the delivery's row. Raises DRF's errors with what is wrong."""
        payload = parse(request)
        serializer = WebhookEventSerializer(data=payload)
        serializer.is_valid(raise_exception=True)
        return {
            **serializer.validated_data,
            "payload": payload,
            "remote_addr": remote_addr(request),
            "credential": authenticated_by(request),
        }

    @in_english
    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
            absent = isinstance(exc, exceptions.NotAuthenticated) or exc.get_codes() == "missing"
            reason = "missing" if absent else "mismatch"
            refusals().add(reason, str(exc.detail), remote_addr(self.request))
            # the process's row is written by its follower, which no flag may have started yet
            follow_soon()
        if isinstance(exc, Error):
            recording_log().failed(exc)
            why = RUN_MIGRATE if lacks_table(exc) else "Database error."
            return try_again(None, f"The webhook could not be recorded. {why}", 1)
        if isinstance(exc, BodyWasRead):
            if read_body_log().admit(BodyWasRead) is not None:
                logger.error(
                    "A middleware has read the body of a webhook as a stream, so it can't be read "
                    "again. Let the middleware use request.body instead."
                )
            return try_again(None, "The webhook could not be read: a middleware has read it.", 1)
        response = super().handle_exception(exc)
        if response.status_code == status.HTTP_401_UNAUTHORIZED:
            # refusals are counted, and logged once
            return logged_already(response)
        return response


class StatusView(JSONView):
    """The state of the fleet, for monitors: what ``vwo_status --json`` prints of it.

    503 where somebody should look: no settings, none refreshed on schedule, or for a minute
    refreshes have failed or a process has been behind. Users are authenticated as the site does it;
    ``STATUS_PERMISSION`` decides which of them may see it, by default staff.
    """

    http_method_names = ["get", "head"]

    def get_permissions(self) -> list[BasePermission]:
        return [import_string(app_settings.status_permission)()]

    def get(self, request: Request, **kwargs: Any) -> Response:
        report = fleet_status()
        status_log().succeeded()
        return self.report(fleet_status_json(report), healthy=report.is_healthy)

    def handle_exception(self, exc: Exception) -> Response:
        if not isinstance(exc, Error):
            return super().handle_exception(exc)
        status_log().failed(exc)
        text = RUN_MIGRATE if lacks_table(exc) else "The database can't be used."
        return self.report({"state": "unknown", "healthy": False, "error": text}, healthy=False)

    def report(self, content: dict[str, Any], *, healthy: bool) -> Response:
        code = status.HTTP_200_OK if healthy else status.HTTP_503_SERVICE_UNAVAILABLE
        # each request of a monitor would be logged and mailed to the site's ADMINS otherwise
        return logged_already(Response(content, code, headers={"Cache-Control": "no-store"}))


def answer(delivery: Delivery) -> Response:
    """200 when VWO's settings are in force here, else 503 with the reason."""
    event = delivery.event.pk
    try:
        snapshot = delivery.result.in_force()
    except RefreshFailed as failure:
        return try_again(event, str(failure), failure.retry_after)
    message = f"Settings #{snapshot.pk} are in force."
    return Response({"status": "success", "message": message, "event": event})


def try_again(event: int | None, message: str, seconds: int) -> Response:
    response = Response(
        {"status": "error", "message": message, "event": event},
        status=status.HTTP_503_SERVICE_UNAVAILABLE,
        headers={"Retry-After": str(seconds)},
    )
    # Django would mail each 503 to the site's ADMINS, for as long as VWO retries; the failed
    # refresh itself is logged once
    return logged_already(response)


def logged_already(response: Response) -> Response:
    """Keep Django from logging the response, by the attribute that its own handlers set."""
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
