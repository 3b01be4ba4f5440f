"""What the models share: whose a row is, where it is written, how it is found page by page."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.apps import apps
from django.db import models, router
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ..changes import with_text
from ..conf import app_settings
from .text import CharField

if TYPE_CHECKING:
    from typing_extensions import Self

    _AnyTextField = models.TextField[Any, Any]
else:
    _AnyTextField = models.TextField

M = TypeVar("M", bound=models.Model)

VWO_RETRIES_FOR = timedelta(hours=1)
"""How long VWO retries a delivery that got no 2xx, by its page on configuring webhooks."""


def database() -> str:
    """The alias of the database that this app's models are written to."""
    return router.db_for_write(apps.get_model("django_vwo_webhooks", "SettingsSnapshot"))


class OwnedQuerySet(models.QuerySet[M]):
    keyset: ClassVar[tuple[str, ...]] = ("pk",)
    """The columns that order the rows from the oldest to the newest; the last one is unique."""

    def ours(self) -> "Self":
        """Only rows of this site's ``ENVIRONMENT`` and SDK key.

        A copied database must not bring production's flags to staging.
        """
        return self.filter(environment=app_settings.environment, key_digest=app_settings.key_digest)

    def oldest_first(self) -> "Self":
        return self.order_by(*self.keyset)

    def newest_first(self) -> "Self":
        return self.order_by(*(f"-{name}" for name in self.keyset))

    def older_than(self, row: M) -> "Self":
        return self.filter(_beyond(row, self.keyset, "lt"))

    def newer_than(self, row: M) -> "Self":
        return self.filter(_beyond(row, self.keyset, "gt"))

    def in_batches(self, size: int, *, newest_first: bool = False) -> Iterator[list[M]]:
        """Yield all rows by short statements, each of which begins where the last one ended.

        One long cursor would lock SQLite for writers for as long as it is read, and MySQL's driver
        would fetch all rows into memory. Deleted rows linger in indexes for a while, so no
        statement begins at the first row again.
        """
        rows = self.newest_first() if newest_first else self.oldest_first()
        following = rows.older_than if newest_first else rows.newer_than
        batch = list(rows[:size])
        while batch:
            yield batch
            batch = list(following(batch[-1])[:size])


def _beyond(row: models.Model, keyset: tuple[str, ...], lookup: str) -> Q:
    """Which rows come before (``lt``) or after (``gt``) ``row``.

    The condition on the first column alone is what an index is read by.
    """
    name, *rest = keyset
    value = getattr(row, name)
    strictly = Q((f"{name}__{lookup}", value))
    if not rest:
        return strictly
    return Q((f"{name}__{lookup}e", value)) & (strictly | _beyond(row, tuple(rest), lookup))


class PrimaryManager(models.Manager[M]):
    """Reads where rows are written: a lagging replica would hand out yesterday's flags."""

    def get_queryset(self) -> models.QuerySet[M]:
        alias = self._db or router.db_for_write(self.model)
        return super().get_queryset().using(alias)


class Owned(models.Model):
    environment = CharField(_("environment"), max_length=100)
    key_digest = CharField(max_length=64, editable=False)

    class Meta:
        abstract = True


def ours() -> dict[str, str]:
    """The values of the columns that say whose a new row is."""
    return {"environment": app_settings.environment, "key_digest": app_settings.key_digest}


class JSONTextField(_AnyTextField):
    """A JSON value, kept as ASCII text.

    Databases differ in what their own JSON types refuse: PostgreSQL's has no NUL, MariaDB's no
    more than 32 levels, and none takes what its charset lacks. VWO's documents may hold all of
    that, and settings that can't be stored would freeze the flags. Nothing queries inside these
    values, so text serves every database.
    """

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return value if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "as_sql"):
            return value
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(self.value_from_object(obj))


class ChangesField(JSONTextField):
    """A list of changes as data; each has its ``text`` in the language of whoever loads it."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        loaded = super().from_db_value(value, expression, connection)
        return loaded if loaded is None else with_text(loaded)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, list):
            value = [
                {key: change[key] for key in change if key != "text" or "values" not in change}
                for change in value
            ]
        return super().get_prep_value(value)


class UnfinishedIndex(models.Index):
    """An index of unfinished rows alone where the database has partial indexes.

    Elsewhere it has ``finished_at`` as its last column. Without statistics PostgreSQL would find
    the few unfinished rows by an index that has all rows of the environment
    (``benchmarks/deliveries.py``).
    """

    def create_sql(
        self, model: type[models.Model], schema_editor: Any, using: str = "", **kwargs: Any
    ) -> Any:
        if not schema_editor.connection.features.supports_partial_indexes:
            return super().create_sql(model, schema_editor, using, **kwargs)
        partial = models.Index(
            fields=self.fields[:-1], name=self.name, condition=models.Q(finished_at=None)
        )
        return partial.create_sql(model, schema_editor, using, **kwargs)
