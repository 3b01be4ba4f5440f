"""What is different in a process that runs tests; ``testing`` sets it, and the rest reads it."""

import sys
from typing import Any


class TestRun:
    """Whether tests run in this process, in which VWO's servers are never asked.

    Servers and other processes that a test starts are not test runs.
    """

    under_pytest = False
    """Set by the pytest plugin: Django's own sign comes only after the tests were imported."""

    def __bool__(self) -> bool:
        utils = sys.modules.get("django.test.utils")
        # what setup_test_environment() sets; Django has no public sign of it
        return self.under_pytest or hasattr(getattr(utils, "_TestState", None), "saved_data")


test_run = TestRun()

overridden_flags: dict[str, bool | dict[str, Any]] = {}
"""The flags that ``testing.override_flags`` has overridden, by key: whether the flag is on, or the
variables of one that is on."""
