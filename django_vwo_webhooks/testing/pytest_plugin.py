"""A pytest plugin that ends after each test what this app does in the process.

A follower that kept running would keep its connection to the test database, which could then not
be dropped. A client that kept its settings would show them to the next test. pytest loads this
module very early, before Django is set up.
"""

import sys

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Runs before the fixtures are torn down, including the database."""
    follower = sys.modules.get("django_vwo_webhooks.follower")
    if follower is not None:
        follower.stop_following()
    lifecycle = sys.modules.get("django_vwo_webhooks.sdk.lifecycle")
    if lifecycle is not None:
        lifecycle.forget_settings()
