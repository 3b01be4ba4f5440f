import os
import uuid

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from django_vwo_webhooks.client import get_client

ONE_YEAR_SECONDS = 365 * 24 * 3600


@login_not_required
def shop(request: HttpRequest) -> HttpResponse:
    """The front page; the flag ``new_checkout`` decides which checkout a visitor gets."""
    visitor = request.COOKIES.get("visitor") or uuid.uuid4().hex
    client = get_client()
    flag = client.get_flag("new_checkout", {"id": visitor})
    context = {
        "new_checkout": flag.is_enabled(),
        "button": flag.get_variable("button", "Buy"),
        "snapshot": client.snapshot_id,
    }
    response = render(request, "shop/shop.html", context)
    response.set_cookie("visitor", visitor, max_age=ONE_YEAR_SECONDS, httponly=True, samesite="Lax")
    response.headers["X-Worker"] = str(os.getpid())
    return response
