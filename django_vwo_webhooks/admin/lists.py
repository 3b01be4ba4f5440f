"""Lists of rows, however many: counted only so far, and ordered as the indexes are."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from django.utils.functional import cached_property

FARTHEST = 10_000
"""How many rows are counted and can be paged through; filters lead to those beyond."""


class NearPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no farther than ``FARTHEST``, so no list counts a million rows."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, FARTHEST)

    @property
    def more(self) -> bool:
        """Whether there are more rows than ``count``."""
        return self._counted > FARTHEST

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        # in no order, or the index of the order would be gone through
        return int(rows.order_by().values("pk")[: FARTHEST + 1].count())

    def __str__(self) -> str:
        return f"{self.count}+" if self.more else str(self.count)


class TrailList(ChangeList):
    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        """Newest first or oldest first, as the indexes go, whatever else the address asks for."""
        newest_first = [str(name) for name in self.lookup_opts.ordering or ()]
        oldest_first = [name.removeprefix("-") for name in newest_first]
        wanted = list(super().get_ordering(request, queryset))
        return [*(oldest_first if wanted[0] == oldest_first[0] else newest_first)]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.paginator.more:
            # the template would tell the two apart as "10000 results (Show all)"
            self.full_result_count = self.result_count
