"""The signals by which the site's own code learns what happened.

All are sent with ``send_robust``, after the commit, while nothing is locked: a receiver that raises
is logged and changes no answer, and one that hangs holds up nobody else's delivery.
"""

from django.dispatch import Signal

webhook_received: Signal = Signal()
"""A new event arrived; sent first, after its refresh, once per row and not once per delivery.

Sent also where the refresh failed. Provides ``event``, the ``WebhookEvent`` with its outcome.
"""

settings_refreshed: Signal = Signal()
"""A refresh succeeded; sent once, in the process that ran the attempt.

Provides ``events`` (the ``WebhookEvent`` rows that it finished, perhaps none), ``snapshot`` (the
``SettingsSnapshot`` in force) and ``changes`` (a list of dicts as ``changes.compare`` describes
them, empty where nothing changed).
"""

settings_applied: Signal = Signal()
"""This process's client got other settings than it had; sent in every process.

Provides ``snapshot`` (the ``SettingsSnapshot`` now in force here) and ``client``.
"""

refresh_failed: Signal = Signal()
"""An attempt to refresh failed; sent once, in the process that ran it.

Provides ``events`` (the ``WebhookEvent`` rows that wait for it, perhaps none) and ``error`` (a
``RefreshFailed``).
"""

kill_switch_used: Signal = Signal()
"""A flag was switched off on this site; sent once, in the process that did it.

Provides ``switch``, the ``KillSwitch``.
"""

kill_switch_released: Signal = Signal()
"""A kill switch was released or replaced, or its time is over; sent once.

In the process that did it, or in one that noticed the end. Provides ``switch``, the ``KillSwitch``:
its ``released_by`` is empty where its time is over.
"""
