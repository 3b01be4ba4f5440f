import json
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser, no_translations

from django_vwo_webhooks.changes import printable
from django_vwo_webhooks.flags import (
    conditions,
    reach,
    rollout,
    rule_title,
    value_text,
    weight_text,
)
from django_vwo_webhooks.known_flags import known_flag, known_flag_json, known_flags, read_more
from django_vwo_webhooks.management.base import DatabaseCommand
from django_vwo_webhooks.management.switches import describe, ending
from django_vwo_webhooks.models import Flag, SettingsSnapshot
from django_vwo_webhooks.models.clock import DatabaseClock, time_text
from django_vwo_webhooks.models.flag import UNUSED_AFTER


class Command(DatabaseCommand):
    help = (
        "Shows the flags in the settings in force, and those that the site's code asks for: "
        "whether they are on, for whom, and switched off here. Exits with 1 for a flag that is "
        "neither."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", nargs="?", help="Show all of this one flag.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    @no_translations
    def handle(self, *, key: str | None, json: bool, **options: Any) -> None:
        now = DatabaseClock.read(Flag.objects.all().db).now()
        if key is None:
            flags = known_flags()
            read_more(flags)
            if json:
                self._print_json([known_flag_json(flag, now) for flag in flags])
                return
            for flag in flags:
                self.stdout.write(_line(flag, now))
            if not flags:
                self.stdout.write(f"No flags. {_advice()}")
            return
        found = known_flag(key)
        if found is None:
            raise CommandError(
                f"This site knows no flag {printable(key)!r}: it is not in VWO's settings, and "
                f"the site's code has not asked for it. {_advice()}"
            )
        read_more([found])
        if json:
            self._print_json(known_flag_json(found, now))
        else:
            self.stdout.write("\n".join([_line(found, now), *_details(found)]))

    def _print_json(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, indent=2))


def _advice() -> str:
    if SettingsSnapshot.objects.ours().exists():
        return (
            "Check how the key is written (manage.py vwo_flags lists all), or get the newest "
            "settings with manage.py vwo_refresh."
        )
    return "There are no settings yet: get them with manage.py vwo_refresh."


def _line(flag: Flag, now: datetime) -> str:
    settings, switch, snapshot = flag.settings, flag.switch, flag.last_snapshot
    notes = []
    if settings is None:
        where = "no settings yet" if flag.at_vwo is None else "not at VWO"
        notes.append(f"{flag.key}: asked for, {where}")
    else:
        state = "on" if settings.is_on else "off"
        notes.append(f"{printable(settings.key)}: {state}, {rollout(settings)}")
    if switch is not None:
        notes.append(f"switched off here {ending(switch)}")
    if snapshot is not None:
        notes.append(f"last changed {time_text(snapshot.created_at)}")
    if flag.last_asked_at is None:
        notes.append("never asked for")
    elif not flag.is_asked_for(now):
        notes.append(f"not asked for in {UNUSED_AFTER.days} days")
    return "; ".join(notes)


def _details(flag: Flag) -> list[str]:
    lines = [f"  Switched off: {describe(switch)}" for switch in flag.switches if switch.is_ours]
    if flag.last_snapshot is not None:
        event = f", event #{flag.last_event.pk}" if flag.last_event else ""
        changed = (
            f"{time_text(flag.last_snapshot.created_at)}, settings {flag.last_snapshot}{event}"
        )
        lines.append(f"  Last changed: {changed}")
    if flag.settings is not None:
        lines.append(f"  Name: {printable(flag.settings.name)}")
        for number, rule in enumerate(flag.settings.rules, start=1):
            lines.append(f"  {number}. {rule_title(rule)}: {reach(rule)}")
            for variation in rule.variations:
                always = conditions(variation)
                lines.append(
                    f"     {printable(variation.name)} {weight_text(variation)}".rstrip()
                    + (f", always for {always}" if always else "")
                )
                lines.extend(
                    f"       {printable(one.key)} ({one.type}): {value_text(one)}"
                    for one in variation.variables
                )
    for word, at in (("First", flag.first_asked_at), ("Last", flag.last_asked_at)):
        lines.append(f"  {word} asked for: {time_text(at) if at else 'never'}")
    return lines
