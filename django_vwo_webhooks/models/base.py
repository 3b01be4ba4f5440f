"""What every model here shares: whose a row is, where it is written, its JSON and its clock."""

import json
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db import models, router
from django.utils.translation import gettext_lazy as _

from ..conf import app_settings

if TYPE_CHECKING:
    from typing_extensions import Self

M = TypeVar("M", bound=models.Model)


def database() -> str:
    """The alias of the database that this app's models are written to."""
    return router.db_for_write(apps.get_model("django_vwo_webhooks", "SettingsSnapshot"))


class OwnedQuerySet(models.QuerySet[M]):
    def ours(self) -> "Self":
        """Only rows of this site's ``ENVIRONMENT`` and SDK key.

        A copied database must not bring production's flags to staging.
        """
        return self.filter(environment=app_settings.environment, key_digest=app_settings.key_digest)


class PrimaryManager(models.Manager[M]):
    """Reads where rows are written: a lagging replica would hand out yesterday's flags."""

    def get_queryset(self) -> models.QuerySet[M]:
        alias = self._db or router.db_for_write(self.model)
        return super().get_queryset().using(alias)


class Owned(models.Model):
    environment = models.CharField(_("environment"), max_length=100)
    key_digest = models.CharField(max_length=64, editable=False)

    class Meta:
        abstract = True


def ours() -> dict[str, str]:
    """The values of the columns that say whose a new row is."""
    return {"environment": app_settings.environment, "key_digest": app_settings.key_digest}


class JSONTextField(models.TextField):  # type: ignore[type-arg]
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


UNIX_NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "EXTRACT(EPOCH FROM clock_timestamp())::double precision",
    # CURRENT_TIMESTAMP would be local time
    "mysql": "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6)",
}


class UnixNow(models.Func):
    """The database server's clock: seconds since 1970 in UTC, whatever the session's time zone.

    Everybody who takes or judges a lease asks this one clock, so the clocks of the web servers
    may differ.
    """

    output_field = models.FloatField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        return UNIX_NOW[connection.vendor], []
