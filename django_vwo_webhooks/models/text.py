"""Text of any characters in columns of any character set.

A database may hold less than what VWO sends: PostgreSQL has no NUL, MySQL's ``utf8mb3`` no emoji,
Latin-1 no ``Ł``. A row that is refused for that would be refused at each retry.
"""

import json
import re
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

NOWHERE = "\0\ud800-\udfff"
"""NUL and halves of surrogate pairs."""

WINDOWS_1252 = "".join(bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0))

UNICODE = re.compile(f"[{NOWHERE}]")
TWO_BYTES = re.compile(f"[{NOWHERE}\U00010000-\U0010ffff]")
UNHELD = {
    "sqlite": UNICODE,
    # PostgreSQL
    "UTF8": UNICODE,
    "LATIN1": re.compile("[^\x01-\xff]"),
    # MySQL, whose latin1 is Windows-1252
    "utf8mb4": UNICODE,
    "utf8mb3": TWO_BYTES,
    "utf8": TWO_BYTES,
    "latin1": re.compile(f"[^\x01-\x7f\xa0-\xff{WINDOWS_1252}]"),
}
"""Which characters can't be stored, by the name of the character set."""

NOT_ASCII = re.compile("[^\x01-\x7f]")
"""Which ones can't be in any other one, as far as is known; in ``SQL_ASCII``, lengths are bytes."""

CHARACTER_SETS = {
    "postgresql": "SELECT current_setting('server_encoding') "
    "UNION SELECT current_setting('client_encoding')",
    "mysql": "SELECT @@character_set_client UNION SELECT character_set_name "
    "FROM information_schema.columns WHERE table_schema = DATABASE() "
    "AND table_name IN %s AND character_set_name IS NOT NULL",
}
"""What is between a text and its column, and that of the columns."""

_unheld_by_alias: dict[str, list[re.Pattern[str]]] = {}


def storable(text: str) -> str:
    """``text`` with escapes, as in JSON, for the characters that no database has to hold."""
    return UNICODE.sub(_escape, text)


def fitting(text: str, connection: BaseDatabaseWrapper) -> str:
    """``text`` with escapes, as in JSON, for the characters that this database can't hold."""
    if text.isascii() and "\0" not in text:
        return text
    if connection.alias not in _unheld_by_alias:
        _unheld_by_alias[connection.alias] = _unheld(connection)
    for unheld in _unheld_by_alias[connection.alias]:
        text = unheld.sub(_escape, text)
    return text


def _unheld(connection: BaseDatabaseWrapper) -> list[re.Pattern[str]]:
    """Ask the database, once in a process, for the character sets of this app's columns."""
    if connection.vendor not in CHARACTER_SETS:
        return [UNICODE]
    ours = apps.get_app_config("django_vwo_webhooks").get_models()
    tables = tuple(model._meta.db_table for model in ours)
    with connection.cursor() as cursor:
        cursor.execute(
            CHARACTER_SETS[connection.vendor], [tables] if connection.vendor == "mysql" else None
        )
        return [UNHELD.get(name, NOT_ASCII) for (name,) in cursor.fetchall()]


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


if TYPE_CHECKING:
    # type checkers without a plugin for Django read the types of the values here
    _Field = models.Field[str, str]
    _CharField = models.CharField[str, str]
    _TextField = models.TextField[str, str]
else:
    _Field, _CharField, _TextField = models.Field, models.CharField, models.TextField


class Fitting(_Field):
    """Stores the text that fits: escaped where it must be, and cut to the column's length."""

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        return fitting(value, connection)[: self.max_length] if isinstance(value, str) else value

    def deconstruct(self) -> Any:
        """As Django's own field: the columns are the same, and migrations need no more."""
        name, _path, args, kwargs = super().deconstruct()
        return name, f"django.db.models.{type(self).__name__}", args, kwargs


class CharField(Fitting, _CharField):
    _pyi_private_set_type: str
    _pyi_private_get_type: str


class TextField(Fitting, _TextField):
    _pyi_private_set_type: str
    _pyi_private_get_type: str
