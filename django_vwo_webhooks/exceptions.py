"""What can go wrong, named by cause.

The messages are our own words: the texts of other libraries' exceptions contain URLs, and with
them the SDK key, so they are neither stored nor logged nor answered.
"""


class RefreshFailed(Exception):
    """The settings were not refreshed; the flags in force stay as they are.

    ``str(error)`` says why in a sentence that is safe to log, to store and to show.
    ``retry_after`` is the number of seconds (1 or more) after which trying again makes sense.
    """

    retry_after: int = 1


class FetchFailed(RefreshFailed):
    """VWO gave no usable settings. The children say how."""


class FetchTimedOut(FetchFailed):
    """VWO did not answer in full within ``REFRESH_TIMEOUT_SECONDS``."""


class VWOUnreachable(FetchFailed):
    """No connection to VWO: refused, reset, unknown host, broken TLS."""


class BadStatus(FetchFailed):
    """VWO answered with another HTTP status than 200."""


class NotJSON(FetchFailed):
    """The answer is no JSON object that a database could hold."""


class TooLarge(FetchFailed):
    """The answer is larger than any settings document may be."""


class InvalidSettings(FetchFailed):
    """The answer does not fulfil the SDK's schema; the message names the place."""


class UnbuildableSettings(FetchFailed):
    """The SDK's schema accepts the settings, and yet its models can't be built from them."""


class RefreshBusy(RefreshFailed):
    """A fetch that began earlier is still under way, and waiting longer would tie up a worker."""


class TakingABreath(RefreshFailed):
    """The last fetch failed a moment ago, so this delivery does not ask VWO again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Superseded(RefreshFailed):
    """A newer fetch started while this one ran; its late result is refused."""


class InsideTransaction(RefreshFailed):
    """``refresh_settings()`` was called inside an open transaction."""
