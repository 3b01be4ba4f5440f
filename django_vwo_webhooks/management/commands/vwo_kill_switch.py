import argparse
import getpass
import re
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.changes import printable
from django_vwo_webhooks.conf import LONGEST_DAYS
from django_vwo_webhooks.management.base import DatabaseCommand, number_of_seconds
from django_vwo_webhooks.management.switches import describe, ending
from django_vwo_webhooks.status import fleet_status

POLL_SECONDS = 0.1
WAIT_SECONDS = 60.0

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

EXAMPLE = 'manage.py vwo_kill_switch KEY --reason "why the flag is off" --for 2h'


class Command(DatabaseCommand):
    help = (
        "Switches a flag off on this site, whatever VWO says, for a day unless told otherwise; or "
        "releases it. Exits with 1 where nothing was switched off or released, or where --wait "
        "ends before each process has it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("flag", nargs="?", metavar="KEY", help="The key of the flag.")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--reason", help="Why; for those who find the flag off.")
        action.add_argument(
            "--release", action="store_true", help="Let VWO decide about the flag again."
        )
        action.add_argument(
            "--list",
            action="store_true",
            dest="lists",
            help="List the kill switches in use, of all flags.",
        )
        parser.add_argument(
            "--for",
            type=_seconds,
            default=kill_switch.DAY_SECONDS,
            dest="seconds",
            metavar="TIME",
            help='How long: 90s, 30m, 2h, 3d, or "released" for until it is released. A day '
            "by default.",
        )
        parser.add_argument(
            "--by", default="", metavar="WHO", help="Who does it; the system's user by default."
        )
        parser.add_argument(
            "--wait",
            type=number_of_seconds,
            nargs="?",
            const=WAIT_SECONDS,
            metavar="SECONDS",
            help=f"Wait, up to this long ({WAIT_SECONDS:.0f} by default), until each process has "
            "it.",
        )

    @no_translations
    def handle(
        self,
        *,
        flag: str | None,
        reason: str | None,
        release: bool,
        lists: bool,
        seconds: float | None,
        by: str,
        wait: float | None,
        **options: Any,
    ) -> None:
        if lists:
            self._list()
            return
        if not flag or not flag.strip():
            raise CommandError(f"Which flag? Write: {EXAMPLE}")
        if release:
            self._release(flag, by or _user())
        else:
            self._use(flag, reason or "", by or _user(), seconds)
        if wait is not None:
            self._wait(wait)

    def _use(self, flag: str, reason: str, by: str, seconds: float | None) -> None:
        if not reason.strip():
            raise CommandError(
                f"A kill switch needs a reason. Write: {EXAMPLE.replace('KEY', flag)}"
            )
        try:
            switch = kill_switch.use(flag, reason=reason, by=by, seconds=seconds)
        except ValueError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{printable(switch.flag)} is switched off {ending(switch)}.")

    def _release(self, flag: str, by: str) -> None:
        switch = kill_switch.release(flag, by=by)
        if switch is None:
            raise CommandError(f"No kill switch is in use for {printable(flag)}.")
        self.stdout.write(
            f"{printable(switch.flag)} is no longer switched off here: VWO decides again."
        )

    def _list(self) -> None:
        status = fleet_status()
        for switch in status.kill_switches:
            self.stdout.write(describe(switch))
        for switch in status.foreign_kill_switches:
            self.stdout.write(f"{describe(switch)} (of another SDK key: not in force)")
        if not (status.kill_switches or status.foreign_kill_switches):
            self.stdout.write("No kill switch is in use.")

    def _wait(self, seconds: float) -> None:
        """Wait until each living process has read the kill switches as they are now."""
        deadline = time.monotonic() + seconds
        status = fleet_status()
        version = status.kill_switch_version
        while late := [each for each in status.alive if not each.has_kill_switches(version)]:
            if time.monotonic() >= deadline:
                raise CommandError(f"Still waiting for {late[0]}.")
            time.sleep(POLL_SECONDS)
            status = fleet_status()
        self.stdout.write(f"In force in each process: {len(status.alive)}.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # a container may have no name for its user
        return "vwo_kill_switch"


def _seconds(text: str) -> float | None:
    if text == "released":
        return None
    found = re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII)
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_DAYS * UNITS["d"]:
        raise argparse.ArgumentTypeError(
            f'{text!r} should be like 90s, 30m, 2h or 3d, or "released"'
        )
    return seconds
