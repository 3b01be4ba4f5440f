from django.http import HttpResponse
from django.urls import include, path

from django_vwo_webhooks.client import get_client


def page(request):
    client, visitor = get_client(), {"id": "ada"}
    client.set_attribute({"plan": "pro"}, visitor)
    flag = client.get_flag("new_checkout", visitor)
    return HttpResponse(flag.get_variable("button", "Buy") if flag.is_enabled() else "off")


urlpatterns = [
    path("", page),
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
]
