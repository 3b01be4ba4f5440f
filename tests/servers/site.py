"""The site's own code as the servers' tests see it: a page that tells which flag it serves."""

import os
import threading

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_vwo_webhooks.client import get_client

if os.environ.get("SITE_PRELOADS"):
    # as a preloaded master has it: a flag evaluated at import, and the client kept
    held = get_client()
    held.get_flag("new_checkout", {"id": "preload"})


def served(visitor: str = "u") -> dict[str, object]:
    client = held if os.environ.get("SITE_PRELOADS") else get_client()
    flag = client.get_flag("new_checkout", {"id": visitor})
    return {
        "pid": os.getpid(),
        "color": flag.get_variable("color", "off"),
        "threads": sorted(
            thread.name for thread in threading.enumerate() if thread.name.startswith("vwo")
        ),
    }


def flag(request: HttpRequest) -> JsonResponse:
    return JsonResponse(served(request.GET.get("visitor", "u")))


async def async_flag(request: HttpRequest) -> JsonResponse:
    return JsonResponse(served(request.GET.get("visitor", "u")))


flag.login_required = False  # type: ignore[attr-defined]
async_flag.login_required = False  # type: ignore[attr-defined]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("flag/", flag),
    path("async-flag/", async_flag),
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
]
