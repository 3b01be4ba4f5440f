"""What processes run that a test's process starts; each of them sets Django up."""

import django

django.setup()

from django_vwo_webhooks.client import get_client  # noqa: E402


def evaluate(number: int) -> None:
    assert get_client().get_flag("new_checkout", {"id": str(number)}).is_enabled()


def evaluate_and_fail(number: int) -> None:
    evaluate(number)
    raise ZeroDivisionError
