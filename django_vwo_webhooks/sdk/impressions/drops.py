"""The impressions that never reach VWO: counted, and logged without floods."""

import logging
import threading
from collections import Counter

from ...log_once import OnceInAWhile
from ...models.process import DropReason
from ...redaction import redact

logger = logging.getLogger("django_vwo_webhooks.sdk")

LOG_TEXTS = {
    DropReason.NOT_JSON: "it can't be made JSON",
    DropReason.QUEUE_FULL: "the queue is full",
    DropReason.REFUSED: "VWO refuses it",
    DropReason.UNANSWERED: "it was sent 4 times without an answer, so VWO may have it",
}


class Drops(Counter[str]):
    """How many events this process has dropped, by ``DropReason``."""

    def __init__(self) -> None:
        super().__init__()
        self._counting = threading.Lock()
        self._logged = OnceInAWhile()

    def note(self, reason: DropReason, names: list[str], text: str) -> None:
        """Count and log events with these names; ``text`` says more about the reason."""
        for name in names:
            earlier = self._logged.admit((reason.value, name))
            if earlier is not None:
                logger.warning(
                    "The event %s is not sent to VWO: %s (%s)%s.",
                    redact(name),
                    LOG_TEXTS[reason],
                    text,
                    f"; {earlier} more since the last such line" if earlier else "",
                )
        with self._counting:
            self[reason.value] += len(names)
