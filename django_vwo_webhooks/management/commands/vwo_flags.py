import json
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
from django_vwo_webhooks.known_flags import known_flag, known_flag_json, known_flags
from django_vwo_webhooks.management.base import DatabaseCommand
from django_vwo_webhooks.models import Flag, SettingsSnapshot
from django_vwo_webhooks.models.clock import DatabaseClock, time_text


class Command(DatabaseCommand):
    help = (
        "Shows the flags in the settings in force, and those that the site's code asks for: "
        "whether they are on, and for whom. Exits with 1 for a flag that is neither."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", nargs="?", help="Show all of this one flag.")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    @no_translations
    def handle(self, *, key: str | None, json: bool, **options: Any) -> None:
        now = DatabaseClock.read(Flag.objects.all().db).now()
        if key is None:
            flags = known_flags()
            if json:
                self._print_json([known_flag_json(flag, now) for flag in flags])
                return
            for flag in flags:
                self.stdout.write(_line(flag))
            if not flags:
                self.stdout.write(f"No flags. {_advice()}")
            return
        found = known_flag(key)
        if found is None:
            raise CommandError(
                f"This site knows no flag {printable(key)!r}: it is not in VWO's settings, and "
                f"the site's code has not asked for it. {_advice()}"
            )
        if json:
            self._print_json(known_flag_json(found, now))
        else:
            self.stdout.write("\n".join([_line(found), *_details(found)]))

    def _print_json(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, indent=2))


def _advice() -> str:
    if SettingsSnapshot.objects.ours().exists():
        return (
            "Check how the key is written (manage.py vwo_flags lists all), or get the newest "
            "settings with manage.py vwo_refresh."
        )
    return "There are no settings yet: get them with manage.py vwo_refresh."


def _line(flag: Flag) -> str:
    settings = flag.settings
    if settings is None:
        return f"{flag.key}: asked for, not at VWO"
    asked = "" if flag.last_asked_at else " (never asked for)"
    state = "on" if settings.is_on else "off"
    return f"{printable(settings.key)}: {state}, {rollout(settings)}{asked}"


def _details(flag: Flag) -> list[str]:
    lines = []
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
