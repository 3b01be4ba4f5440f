"""A delivery: logged in one transaction, and served by an attempt that starts later."""

import logging
import time
from typing import Any, NamedTuple

from django.db import Error

from ..connections import reconnected
from ..exceptions import RefreshFailed
from ..models import SettingsSnapshot, WebhookEvent
from ..models.base import database
from ..models.deliveries import Recorded
from ..models.group_commit import GroupCommit
from ..models.transactions import atomically
from ..process import PerProcess
from ..signals import webhook_received
from .announcing import announce, send
from .applying import follow
from .deadline import Deadline
from .leasing import get_single_flight, refresh
from .result import RefreshResult

logger = logging.getLogger("django_vwo_webhooks")

RECORD_SECONDS = 0.5
"""How long to try to record, once the deadline is over, that a delivery is answered 503."""

get_group_commit = PerProcess(GroupCommit)


class Delivery(NamedTuple):
    event: WebhookEvent
    is_new: bool
    """Whether it began a row."""
    results: tuple[RefreshResult, ...]
    """What its refresh brought; the last one decides about the answer."""

    @property
    def result(self) -> RefreshResult:
        return self.results[-1]

    def announce(self) -> None:
        """Send the signals: ``webhook_received`` once a row, then those of the refresh."""
        if self.is_new and webhook_received.has_listeners(WebhookEvent):
            # others may have refreshed for seconds, in which this connection idled
            reconnected(database(), self.event.refresh_from_db)
            send(webhook_received, sender=WebhookEvent, event=self.event)
        for result in self.results:
            announce(result)


def deliver(values: dict[str, Any], deadline: Deadline) -> Delivery:
    """Log a delivery with these values of its event, and have it served.

    The caller is to ``announce`` what this returns. Raises ``django.db.Error`` where the delivery
    could not be recorded.
    """
    single_flight = get_single_flight()
    my_turn = single_flight.begin()
    try:
        recorded = get_group_commit().atomically(
            lambda: WebhookEvent.objects.record(
                may_start=my_turn and not single_flight.contended, **values
            ),
            until=deadline.answer_at,
        )
    except BaseException:
        if my_turn:
            single_flight.end()
        raise
    result = refresh(
        recorded.lease,
        noted=recorded.noted,
        cause=SettingsSnapshot.Cause.WEBHOOK,
        deadline=deadline,
        started=recorded.started,
        my_turn=my_turn,
    )
    results = [result]
    # during the backoff, the transaction that recorded the delivery recorded the failure too
    if result.failure and not (result.failure_recorded or recorded.lease.backing_off):
        results += _unless_served(recorded, result.failure)
    return Delivery(recorded.event, recorded.is_new, tuple(results))


def _unless_served(recorded: Recorded, failure: RefreshFailed) -> list[RefreshResult]:
    """Record that the delivery is answered 503, unless an attempt has served it after all."""
    try:
        lease = atomically(
            lambda: WebhookEvent.objects.expect_retry(
                recorded.event.pk, recorded.noted, str(failure)
            ),
            until=time.monotonic() + RECORD_SECONDS,
        )
        return [] if lease is None else [follow(lease)]
    except RefreshFailed as not_applied:
        return [RefreshResult(failure=not_applied)]
    except Error as error:
        # the answer is 503 all the same, and the signals are still to be sent
        logger.warning("The reason of a 503 could not be recorded: %s.", type(error).__name__)
        return []
