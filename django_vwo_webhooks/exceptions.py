"""What can go wrong, named by cause.

The messages are this app's own: the texts of other libraries' exceptions contain URLs, and with
them the SDK key, so they are neither stored nor logged nor sent in an answer.
"""


class RefreshFailed(Exception):
    """The settings were not refreshed; the flags in force stay as they are.

    ``str(error)`` says why in a sentence that is safe to log, to store and to show.
    ``retry_after`` is the number of seconds (1 or more) after which trying again makes sense.
    """

    retry_after: int = 1


class FetchFailed(RefreshFailed):
    """VWO gave no usable settings. The subclasses say why."""


class FetchTimedOut(FetchFailed):
    """VWO did not answer in full within ``REFRESH_TIMEOUT_SECONDS``."""


class VWOUnreachable(FetchFailed):
    """No connection to VWO: refused, reset, unknown host, broken TLS."""


class BadStatus(FetchFailed):
    """VWO answered with another HTTP status than 200."""


class NotJSON(FetchFailed):
    """The answer is not a JSON object."""


class TooLarge(FetchFailed):
    """The answer is larger than a settings document may be."""


class InvalidSettings(FetchFailed):
    """The answer does not fulfil the SDK's schema; the message names the place."""


class UnbuildableSettings(FetchFailed):
    """The settings fulfil the SDK's schema, but the SDK can't build a client from them."""


class RefreshBusy(RefreshFailed):
    """An earlier attempt is still under way, and waiting longer would tie up a worker."""


class BackingOff(RefreshFailed):
    """The last attempt failed a moment ago, so this delivery does not ask VWO again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Superseded(RefreshFailed):
    """A newer attempt started while this one ran, so its late result is refused."""


class NotStored(RefreshFailed):
    """VWO's settings are good, and could not be stored."""


class NotApplied(RefreshFailed):
    """The new settings are stored, and this process could not apply them."""


class InsideTransaction(RefreshFailed):
    """What commits by itself, as ``refresh_settings()``, was called inside an open transaction."""
