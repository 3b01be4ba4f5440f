from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_vwo_webhooks.client import get_client

from .floor.views import FloorView


def flag(request: HttpRequest) -> JsonResponse:
    served = get_client().get_flag("flag_1", {"id": "u"})
    return JsonResponse({"color": served.get_variable("color", "off")})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("flag/", flag),
    path("floor/", FloorView.as_view()),
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
]
