"""The signals that tell the site's own code what happened.

All are sent with ``send_robust``: a receiver that raises is logged and changes no answer.
"""

from django.dispatch import Signal

webhook_received = Signal()
"""A new event was logged, before its refresh starts; sent once a row, not once a delivery.

Provides ``event``, the committed ``WebhookEvent``.
"""

settings_refreshed = Signal()
"""A refresh succeeded; sent once, in the process that fetched, after the commit.

Provides ``events`` (the ``WebhookEvent`` rows that it finished, perhaps none), ``snapshot`` (the
``SettingsSnapshot`` in force) and ``changes`` (a list of dicts as ``changes.compare`` describes
them, empty where nothing changed).
"""

settings_applied = Signal()
"""This process's client got other settings than it had; sent in every process.

Provides ``snapshot`` (the ``SettingsSnapshot`` now in force here) and ``client``.
"""

refresh_failed = Signal()
"""A refresh failed; sent in the process that tried.

Provides ``events`` (the ``WebhookEvent`` rows that wait for it, perhaps none) and ``error`` (a
``RefreshFailed``).
"""
