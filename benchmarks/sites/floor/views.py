"""The least that a webhook view can do: the secret, four fields, one INSERT, and no refresh."""

import hmac
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .models import Event


class Secret(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[None, str]:
        given = request.headers.get("x-vwo-auth", "").encode()
        if not hmac.compare_digest(given, settings.VWO_WEBHOOKS["SECRET"].encode()):
            raise AuthenticationFailed
        return None, "vwo"

    def authenticate_header(self, request: Request) -> str:
        return "x-vwo-auth"


class EventSerializer(serializers.ModelSerializer[Event]):
    class Meta:
        model = Event
        fields = ["timestamp", "event", "action", "triggered_by"]


class FloorView(APIView):
    authentication_classes = [Secret]
    permission_classes: list[Any] = []
    renderer_classes = [JSONRenderer]

    def post(self, request: Request) -> Response:
        serializer = EventSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response({"status": "success"})
