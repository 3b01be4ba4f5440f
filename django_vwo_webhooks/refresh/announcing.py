"""The site's own code is told by signals, once nothing is locked any more."""

import contextlib
import logging
from typing import Any

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.dispatch import Signal

from ..models import SettingsSnapshot, WebhookEvent
from ..models.base import database
from ..sdk import load_sdk
from ..signals import refresh_failed, settings_applied, settings_refreshed
from .result import RefreshResult

logger = logging.getLogger("django_vwo_webhooks")


def announce(result: RefreshResult) -> None:
    """Send the signals of a refresh, each once, from the thread that applied or ran it."""
    announce_applied(result.applied)
    if not result.ran_here:
        return
    if result.snapshot is not None:
        if settings_refreshed.has_listeners(SettingsSnapshot):
            send(
                settings_refreshed,
                sender=SettingsSnapshot,
                events=WebhookEvent.objects.filter(pk__in=result.events),
                snapshot=result.snapshot,
                changes=result.changes or [],
            )
    else:
        send(
            refresh_failed,
            sender=SettingsSnapshot,
            events=WebhookEvent.objects.waiting_for(result.attempt),
            error=result.failure,
        )


def announce_applied(snapshot: SettingsSnapshot | None) -> None:
    """Send ``settings_applied`` for what was applied in this process, if anything was."""
    if snapshot is not None:
        client = load_sdk().client()
        send(settings_applied, sender=SettingsSnapshot, snapshot=snapshot, client=client)


def send(signal: Signal, *, sender: type[Model], **provided: Any) -> None:
    """Send a signal, and let no receiver change what becomes of the rest.

    A receiver that raises is logged by Django. One that leaves a transaction open would keep
    whatever is stored later from being committed, so its transaction is rolled back.
    """
    connection = connections[database()]
    before = _transaction_is_open(connection)
    signal.send_robust(sender=sender, **provided)
    if _transaction_is_open(connection) and not before:
        logger.error("A receiver left a transaction open; what it did there is rolled back.")
        # by way of Django, or a pool would wait for a connection that never comes back
        connection.close()
        with contextlib.suppress(Error), connection.wrap_database_errors:
            # ends what Django knows of the transaction, even where the database is gone
            connection.connect()


def _transaction_is_open(connection: BaseDatabaseWrapper) -> bool:
    return connection.connection is not None and (
        connection.in_atomic_block or not connection.autocommit
    )
