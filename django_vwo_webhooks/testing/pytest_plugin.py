"""Found by pytest itself: no thread of this app goes on from one test to the next.

It would hold on to the test database, which could not be dropped in the end.
"""

import sys

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Before the fixtures are torn down, the database among them."""
    follower = sys.modules.get("django_vwo_webhooks.follower")
    if follower is not None:
        follower.stop_following()
