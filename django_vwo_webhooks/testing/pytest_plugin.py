"""A pytest plugin that stops this app's follower thread after each test.

A follower that kept running would keep its connection to the test database, which could then
not be dropped. pytest loads this module very early, before Django is set up.
"""

import sys

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Runs before the fixtures are torn down, including the database."""
    follower = sys.modules.get("django_vwo_webhooks.follower")
    if follower is not None:
        follower.stop_following()
