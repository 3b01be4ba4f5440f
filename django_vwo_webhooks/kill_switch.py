"""The kill switch: a flag that is off on this site, whatever VWO says.

``use`` and ``release`` write its row and notify the fleet. ``follow`` brings what the rows say into
this process; it runs at each look at the lease row, whose version says whether anything changed.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import Error, connections
from django.utils.translation import gettext

from .broadcast import get_broadcast, publish
from .changes import printable
from .conf import LONGEST_DAYS, app_settings
from .connections import inside_transaction
from .exceptions import InsideTransaction
from .models import KillSwitch, LeaseState, RefreshLease
from .models.base import database, ours
from .models.clock import time_text
from .models.kill_switch import LONGEST_FLAG, KillSwitchQuerySet
from .models.text import fitting
from .models.transactions import atomically
from .process import PerProcess
from .refresh.announcing import send
from .sdk.switched_off import switched_off
from .signals import kill_switch_released, kill_switch_used

DAY_SECONDS = 86_400.0
"""How long a flag stays off unless somebody says otherwise."""

RETRY_SECONDS = 2.0
"""How long to try to write where transactions conflict."""

logger = logging.getLogger("django_vwo_webhooks")

_lock = PerProcess(threading.Lock)


def check(flag: str, reason: str, seconds: float | None = None) -> None:
    """Raise ``ValueError`` where something is missing or can't be, as ``use`` does."""
    if not reason.strip():
        raise ValueError(gettext("A kill switch needs a reason, for those who find the flag off."))
    if not flag.strip():
        raise ValueError(gettext("A kill switch needs the key of a flag."))
    if len(flag) > LONGEST_FLAG or fitting(flag, connections[database()]) != flag:
        raise ValueError(
            gettext("The key is longer than %d characters, or the database can’t hold it.")
            % LONGEST_FLAG
        )
    if seconds is not None and not 0 < seconds <= LONGEST_DAYS * DAY_SECONDS:
        raise ValueError(
            gettext("A kill switch lasts for more than 0 s, and for %d days at most.")
            % LONGEST_DAYS
        )


def use(flag: str, *, reason: str, by: str, seconds: float | None = DAY_SECONDS) -> KillSwitch:
    """Switch a flag off on this site, in every process; return the row that says so.

    ``by`` is who does it, and ``seconds`` is None for until it is released. A switch that is in use
    for the flag already is replaced and never shortened: the flag stays off for as long as anybody
    has asked for. Raises ``ValueError`` where something is missing or can't be. Must not be called
    inside a transaction.
    """
    flag, reason = flag.strip(), reason.strip()
    check(flag, reason, seconds)

    def write(lease: LeaseState) -> list[KillSwitch]:
        now = lease.clock.now()
        until = None if seconds is None else now + timedelta(seconds=seconds)
        replaced = _of_flag(flag, KillSwitch.objects.ours())
        for switch in replaced:
            if switch.is_in_use(lease.clock):
                until = switch.until and until and max(switch.until, until)
            _close(switch, by, lease)
        used = KillSwitch(**ours(), flag=flag, reason=reason, used_by=by, used_at=now, until=until)
        used.save(force_insert=True, using=database())
        return [*replaced, used]

    used = _commit(write)[-1]
    # with what the database has made of it, which may hold fewer characters
    return KillSwitch.objects.get(pk=used.pk)


def release(flag: str, *, by: str, only: int | None = None) -> KillSwitch | None:
    """Let VWO decide about a flag again; return the row of the switch that was released.

    None where none was in use. One of another SDK key, such as before a rotation, is released, too.
    ``only`` is the number of the row that may be released, and not one that has replaced it. Must
    not be called inside a transaction.
    """

    def write(lease: LeaseState) -> list[KillSwitch]:
        switches = _of_flag(flag.strip(), KillSwitch.objects.of_environment())
        return [
            switch for switch in switches if only in (None, switch.pk) and _close(switch, by, lease)
        ]

    return next((switch for switch in _commit(write) if switch.released_by), None)


def follow(lease: LeaseState) -> None:
    """Bring the kill switches in force into this process; ``lease`` was read just now.

    One whose time is over is closed, by one process of the fleet.
    """
    _read(lease)
    for switch in switched_off.ended:
        _end(switch)


def _read(lease: LeaseState) -> None:
    owner = app_settings.owner
    # what is read inside the lock is never older than what another thread has read before
    with _lock():
        known = (switched_off.read_for, switched_off.version)
        if known == (owner, lease.kill_switch_version):
            switched_off.note(switched_off.switches, lease.clock)
        else:
            switched_off.note(KillSwitch.objects.ours().not_released(), lease.clock)
            switched_off.read_for, switched_off.version = owner, lease.kill_switch_version


def _of_flag(flag: str, switches: KillSwitchQuerySet) -> list[KillSwitch]:
    """The switches of a flag that are not released: one for each SDK key at most.

    Compared here, since some databases take two keys for one where only their case differs.
    """
    return [each for each in switches.not_released() if each.flag == flag]


def _close(switch: KillSwitch, by: str, lease: LeaseState) -> bool:
    """Note who released it, or that its time is over; False where that was done already."""
    now = lease.clock.now()
    if not switch.is_in_use(lease.clock):
        by, now = "", min(now, switch.until or now)
    switch.released_by, switch.released_at = by, now
    rows = KillSwitch.objects.not_released().filter(pk=switch.pk)
    return bool(rows.update(released_by=by, released_at=now))


def _end(switch: KillSwitch) -> None:
    """Close one whose time is over, unless another process comes first."""
    _commit(lambda lease: [switch] if _close(switch, "", lease) else [], notify=False)


def _commit(
    write: Callable[[LeaseState], list[KillSwitch]], *, notify: bool = True
) -> list[KillSwitch]:
    """Run ``write`` with the lease row locked; then notify, apply here, log and send signals.

    Returns the rows that it returns: those that have begun or ended.
    """
    if inside_transaction(database()):
        raise InsideTransaction(
            "A kill switch was used or released inside a transaction, and would reach no process "
            "before its end. Call it by transaction.on_commit()."
        )

    def locked() -> tuple[list[KillSwitch], LeaseState]:
        lease = RefreshLease.objects.lock()
        written = write(lease)
        if written:
            RefreshLease.objects.raise_kill_switch_version()
            lease = lease._replace(kill_switch_version=lease.kill_switch_version + 1)
        return written, lease

    if notify:
        # its library is imported before the commit, since the others learn of that afterwards
        with contextlib.suppress(Exception):  # publish() logs what is wrong
            get_broadcast()
    written, lease = atomically(locked, until=time.monotonic() + RETRY_SECONDS)
    if written:
        if notify:
            publish()
        with contextlib.suppress(Error):
            # or else this process finds it at its next look
            _read(lease)
    for switch in written:
        _announce(switch)
    return written


def _announce(switch: KillSwitch) -> None:
    flag = printable(switch.flag)
    if switch.released_at is None:
        until = time_text(switch.until) if switch.until else "released"
        who, why = printable(switch.used_by), printable(switch.reason)
        logger.warning("The flag %s is switched off until %s, by %s: %s", flag, until, who, why)
        send(kill_switch_used, sender=KillSwitch, switch=switch)
    else:
        by = printable(switch.released_by)
        why = f"released by {by}" if by else "its time is over"
        logger.warning("The kill switch of the flag %s is no longer in use: %s.", flag, why)
        send(kill_switch_released, sender=KillSwitch, switch=switch)
