"""The SDK's log lines go where the site's LOGGING sends them."""

import logging

import pytest

from django_vwo_webhooks.sdk.logs import LEVELS, LoggingTransport


@pytest.mark.parametrize(
    ("level", "name"), [(10, "TRACE"), (20, "INFO"), (30, "WARN"), (40, "ERROR"), (60, "ERROR")]
)
def test_the_sdks_level_follows_logging(caplog, level, name):
    caplog.set_level(level, logger="django_vwo_webhooks.sdk")
    assert LoggingTransport().level == name


def test_every_level_of_the_sdk_is_known():
    assert set(LEVELS) == {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}
    for level in LEVELS.values():
        assert logging.getLevelName(level)
