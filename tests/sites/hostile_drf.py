"""DRF's settings of a site for its own views, each of which would break the webhook's answers."""

from typing import Any

from django.http import JsonResponse

HERE = __name__


class Never:
    """Stands for anything that only the site's own views may use."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("a default of the site was used")


class Guest:
    """Somebody without a login, whom the site's own permissions accept."""

    is_authenticated = True


def never(*args: Any, **kwargs: Any) -> None:
    raise AssertionError("a default of the site was used")


def house_style(error: Exception, context: Any) -> JsonResponse:
    return JsonResponse({"success": False}, status=200)


HOSTILE: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": [f"{HERE}.Never"],
    "DEFAULT_PARSER_CLASSES": [f"{HERE}.Never"],
    "DEFAULT_AUTHENTICATION_CLASSES": [f"{HERE}.Never"],
    "DEFAULT_PERMISSION_CLASSES": [f"{HERE}.Never"],
    "DEFAULT_THROTTLE_CLASSES": [f"{HERE}.Never"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": f"{HERE}.Never",
    "DEFAULT_METADATA_CLASS": f"{HERE}.Never",
    "DEFAULT_VERSIONING_CLASS": f"{HERE}.Never",
    "DEFAULT_PAGINATION_CLASS": f"{HERE}.Never",
    "DEFAULT_FILTER_BACKENDS": [f"{HERE}.Never"],
    "DEFAULT_SCHEMA_CLASS": f"{HERE}.Never",
    "DEFAULT_THROTTLE_RATES": {"user": "1/day", "anon": "1/day"},
    "NUM_PROXIES": 2,
    "PAGE_SIZE": 1,
    "SEARCH_PARAM": "event",
    "ORDERING_PARAM": "event",
    "DEFAULT_VERSION": "9",
    "ALLOWED_VERSIONS": ["9"],
    "VERSION_PARAM": "event",
    "UNAUTHENTICATED_USER": f"{HERE}.Guest",
    "UNAUTHENTICATED_TOKEN": f"{HERE}.Guest",
    "VIEW_NAME_FUNCTION": f"{HERE}.never",
    "VIEW_DESCRIPTION_FUNCTION": f"{HERE}.never",
    "EXCEPTION_HANDLER": f"{HERE}.house_style",
    "NON_FIELD_ERRORS_KEY": "event",
    "LIST_SERIALIZER_ERRORS_AS_DICT": False,
    "TEST_REQUEST_RENDERER_CLASSES": [f"{HERE}.Never"],
    "TEST_REQUEST_DEFAULT_FORMAT": "xml",
    "URL_FORMAT_OVERRIDE": "event",
    "FORMAT_SUFFIX_KWARG": "event",
    "URL_FIELD_NAME": "event",
    "DATE_FORMAT": "%d",
    "DATE_INPUT_FORMATS": ["%d"],
    "DATETIME_FORMAT": "%d",
    "DATETIME_INPUT_FORMATS": ["%d"],
    "TIME_FORMAT": "%d",
    "TIME_INPUT_FORMATS": ["%d"],
    "DURATION_FORMAT": "%d",
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
    "STRICT_JSON": False,
    "COERCE_DECIMAL_TO_STRING": False,
    "COERCE_BIGINT_TO_STRING": True,
    "UPLOADED_FILES_USE_URL": False,
    "HTML_SELECT_CUTOFF": 0,
    "HTML_SELECT_CUTOFF_TEXT": "x",
    "SCHEMA_COERCE_PATH_PK": False,
    "SCHEMA_COERCE_METHOD_NAMES": {},
}
