from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_vwo_webhooks.client import get_client

from .floor.views import FloorView


def flag(request: HttpRequest) -> JsonResponse:
    """A page that evaluates a flag as often as ``?times=`` says."""
    client = get_client()
    colors = [
        client.get_flag("flag_1", {"id": str(number)}).get_variable("color", "off")
        for number in range(int(request.GET.get("times", 1)))
    ]
    return JsonResponse({"colors": colors})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("flag/", flag),
    path("floor/", FloorView.as_view()),
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
]
