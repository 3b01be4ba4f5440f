"""The SDK's log lines in Python's logging, without the keys and without floods."""

import logging
from contextvars import ContextVar
from typing import Any

from wingify.packages.logger.core.log_manager import LogManager
from wingify.utils.log_message_util import error_messages

from ..log_once import OnceInAWhile
from ..process import PerProcess
from ..redaction import redact

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
        logger.log(LEVELS.get(level.upper(), logging.ERROR), "%s", redact(message))


_reported = PerProcess(OnceInAWhile)


def forget_reported() -> None:
    """Log each error again, so that no test misses one that another test has caused."""
    _reported.forget()


class SparingLogManager(LogManager):
    """Logs the same error once in ten minutes, with a count, and reports it to VWO as often.

    The SDK's own does both for each evaluation of a flag that is gone. It also prints an error
    whose text it can't put together, since some texts name a value that is not passed, or are
    missing: a visitor whose id is empty is enough for that. Such an error is logged here.
    """

    _count: ContextVar[str] = ContextVar("_count", default="")

    def __new__(cls, *args: Any) -> "SparingLogManager":
        # the SDK's own returns the manager that is registered already
        made: SparingLogManager = object.__new__(cls)
        return made

    def error(self, message: str) -> None:
        super().error(f"{message}{self._count.get()}")

    def error_log(
        self,
        template: str,
        data: dict[str, Any] | None = None,
        debug_data: dict[str, Any] | None = None,
        should_send_log_to_vwo: bool = True,
    ) -> None:
        values = data or {}
        earlier = _reported().admit((template, repr(values)))
        if earlier is None:
            return
        more = f" ({earlier} more since the last such line)" if earlier else ""
        reset = self._count.set(more)
        try:
            error_messages[template].format(**values)
        except (KeyError, IndexError):
            named = ", ".join(f"{name}: {value}" for name, value in values.items())
            self.error(f"{template} ({named})" if named else template)
        else:
            super().error_log(template, values, debug_data or {}, should_send_log_to_vwo)
        finally:
            self._count.reset(reset)


class RedactKeys(logging.Filter):
    """Removes the keys from another library's log lines: the SDK key is in VWO's URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        return True


for name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(name).addFilter(RedactKeys())

LOGGER_OPTION = {"transport": LoggingTransport()}
"""The value of the SDK's option ``logger``."""
