"""The SDK's log lines in Python's logging, with the keys taken out."""

import logging

from ..conf import app_settings

logger = logging.getLogger("django_vwo_webhooks.sdk")
if logger.level == logging.NOTSET:
    # the SDK writes several lines an evaluation at INFO, and its own default is ERROR
    logger.setLevel(logging.WARNING)

LEVELS = {
    "TRACE": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
}


class PythonLogging:
    """A log transport as the SDK's ``logger`` option takes it."""

    # spares the SDK its own time stamp, which LOGGING adds by itself
    config = {"dateTimeFormat": str}

    @property
    def level(self) -> str:
        """The lowest level that is wanted, in the SDK's words; follows ``LOGGING`` live."""
        for name, level in LEVELS.items():
            if logger.isEnabledFor(level):
                return name
        return "ERROR"

    def log(self, level: str, message: str) -> None:
        logger.log(LEVELS.get(level.upper(), logging.ERROR), "%s", app_settings.redact(message))


class Redacted(logging.Filter):
    """Takes the keys out of another library's lines: VWO wants the SDK key inside URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = app_settings.redact(record.getMessage()), None
        return True


logging.getLogger("urllib3.connectionpool").addFilter(Redacted())

LOGGER = {"transport": PythonLogging()}
"""The SDK's option of that name."""
