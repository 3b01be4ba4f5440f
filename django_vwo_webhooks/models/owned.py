"""Rows that belong to one environment and one SDK key, and the database that they live in."""

from typing import TYPE_CHECKING, TypeVar

from django.db import models, router
from django.utils.translation import gettext_lazy as _

from ..conf import app_settings

if TYPE_CHECKING:
    from typing_extensions import Self

M = TypeVar("M", bound=models.Model)


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
