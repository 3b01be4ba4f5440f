"""What keeps a delivery from reaching the webhook is reported."""

import pytest

from django_vwo_webhooks.checks import check_redirects, check_urls


def test_urls_that_are_included_are_not_reported():
    assert check_urls(None) == []


def test_urls_that_are_not_included_are_reported(settings):
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    assert [message.id for message in check_urls(None)] == ["django_vwo_webhooks.W004"]


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({}, []),
        ({"PREPEND_WWW": True}, ["W011"]),
        ({"SECURE_SSL_REDIRECT": True}, ["W012"]),
        ({"SECURE_SSL_REDIRECT": True, "PREPEND_WWW": True}, ["W011", "W012"]),
        ({"SECURE_SSL_REDIRECT": True, "SECURE_PROXY_SSL_HEADER": ("HTTP_X", "https")}, []),
        ({"SECURE_SSL_REDIRECT": True, "SECURE_REDIRECT_EXEMPT": ["^webhooks/"]}, []),
        ({"SECURE_SSL_REDIRECT": True, "SECURE_REDIRECT_EXEMPT": ["^other/"]}, ["W012"]),
        ({"SECURE_SSL_REDIRECT": True, "ROOT_URLCONF": "django.contrib.auth.urls"}, []),
    ],
)
def test_what_would_redirect_a_delivery_is_reported(settings, changes, numbers):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [message.id[-4:] for message in check_redirects(None)] == numbers
