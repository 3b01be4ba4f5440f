from django.http import HttpRequest, JsonResponse

from .client import get_client


def empty(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


def flag(request: HttpRequest) -> JsonResponse:
    """A page that evaluates a flag as often as ``?times=`` says."""
    client = get_client()
    colors = [
        client.get_flag("flag_1", {"id": str(number)}).get_variable("color", "off")
        for number in range(int(request.GET.get("times", 1)))
    ]
    return JsonResponse({"colors": colors})


def five_flags(request: HttpRequest) -> JsonResponse:
    """A page that evaluates five flags for one visitor."""
    client = get_client()
    visitor = {"id": request.GET.get("visitor", "visitor")}
    flags = [client.get_flag(f"flag_{number}", visitor) for number in range(1, 6)]
    return JsonResponse({"colors": [one.get_variable("color", "off") for one in flags]})
