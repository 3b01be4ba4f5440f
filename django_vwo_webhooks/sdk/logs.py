"""The SDK's log lines in Python's logging, without the keys."""

import logging
from typing import Any

from wingify.packages.logger.core.log_manager import LogManager
from wingify.utils.log_message_util import error_messages

from ..conf import app_settings

logger = logging.getLogger("django_vwo_webhooks.sdk")
if logger.level == logging.NOTSET:
    # the SDK writes several lines for each evaluation at INFO, and its own default is ERROR
    logger.setLevel(logging.WARNING)

LEVELS = {
    "TRACE": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
}


class LoggingTransport:
    """A log transport as the SDK's option ``logger`` takes it."""

    # spares the SDK its own time stamp, since LOGGING adds one
    config = {"dateTimeFormat": str}

    @property
    def level(self) -> str:
        """The lowest level that is logged, by the SDK's name; it follows ``LOGGING``."""
        for name, level in LEVELS.items():
            if logger.isEnabledFor(level):
                return name
        return "ERROR"

    def log(self, level: str, message: str) -> None:
        logger.log(LEVELS.get(level.upper(), logging.ERROR), "%s", app_settings.redact(message))


class CompleteLogManager(LogManager):
    """Also logs an error whose text the SDK can't put together, where the SDK would ``print``.

    Some of its texts name a value that it does not pass, or are missing: a visitor whose id is
    empty is enough for that.
    """

    def error_log(
        self,
        template: str,
        data: dict[str, Any] | None = None,
        debug_data: dict[str, Any] | None = None,
        should_send_log_to_vwo: bool = True,
    ) -> None:
        values = data or {}
        try:
            error_messages[template].format(**values)
        except (KeyError, IndexError):
            named = ", ".join(f"{name}: {value}" for name, value in values.items())
            self.error(f"{template} ({named})" if named else template)
        else:
            super().error_log(template, values, debug_data or {}, should_send_log_to_vwo)


class RedactKeys(logging.Filter):
    """Removes the keys from another library's log lines: the SDK key is in VWO's URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = app_settings.redact(record.getMessage()), None
        return True


logging.getLogger("urllib3.connectionpool").addFilter(RedactKeys())

LOGGER_OPTION = {"transport": LoggingTransport()}
"""The value of the SDK's option ``logger``."""
