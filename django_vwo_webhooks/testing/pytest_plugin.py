"""A pytest plugin: fixtures, and the end of what this app does in the process after each test.

A follower that kept running would keep its connection to the test database, which could then not
be dropped. A client that kept its settings would show them to the next test. pytest loads this
module very early, before Django is set up.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from django_vwo_webhooks.testing import kit
from django_vwo_webhooks.testing.isolation import end_vwo
from django_vwo_webhooks.testing.overrides import override_flags
from django_vwo_webhooks.under_test import test_run

if TYPE_CHECKING:
    from django.http import HttpResponse

    from django_vwo_webhooks.testing.simulator import VWOSimulator


def pytest_configure() -> None:
    """Before any module of the site is imported, which may ask for the client."""
    test_run.under_pytest = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Runs before the fixtures are torn down, including the database."""
    end_vwo()


@pytest.fixture
def vwo_simulator(settings: Any) -> "Iterator[VWOSimulator]":
    """A ``VWOSimulator`` that the site is connected to during the test.

    A test that evaluates flags or receives webhooks needs the database as well.
    """
    # "settings" has pytest-django set Django up, and say so where it is not installed
    with kit.connected_simulator() as vwo:
        yield vwo


@pytest.fixture
def deliver_vwo_webhook() -> "Callable[..., HttpResponse]":
    """The function ``deliver_vwo_webhook`` of ``django_vwo_webhooks.testing``."""
    return kit.deliver_vwo_webhook


@pytest.fixture
def vwo_flags() -> Iterator[Callable[..., None]]:
    """A function that overrides flags as ``override_flags`` does, until the test ends."""
    with ExitStack() as stack:

        def override(flags: dict[str, Any] | None = None, **more_flags: Any) -> None:
            stack.enter_context(override_flags(flags, **more_flags))

        yield override
