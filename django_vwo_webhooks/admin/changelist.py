"""Lists of any length: counted up to a limit, and ordered as the indexes are."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST_ROWS = 10_000
"""How many rows are counted and can be paged through; those beyond are reached by filters."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to ``MOST_ROWS``, so that no list counts a million rows."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_ROWS)

    @property
    def has_more(self) -> bool:
        """Whether there are more rows than ``count``."""
        return self._counted > MOST_ROWS

    @cached_property
    def _counted(self) -> int:
        # also of other models: Django's history page has the paginator of its ModelAdmin
        rows: Any = self.object_list
        # in no order, or the index of the order would be read
        return int(rows.order_by().values("pk")[: MOST_ROWS + 1].count())

    def __str__(self) -> str:
        return f"{self.count}+" if self.has_more else str(self.count)


class IndexedChangeList(ChangeList):
    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        """Newest first or oldest first, as the indexes are, whatever else the URL asks for."""
        newest_first = [str(name) for name in self.lookup_opts.ordering or ()]
        oldest_first = [name.removeprefix("-") for name in newest_first]
        wanted = list(super().get_ordering(request, queryset))
        return [*(oldest_first if wanted[0] == oldest_first[0] else newest_first)]

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except OverflowError as error:
            # SQLite, asked for a foreign key of more than 64 bits
            raise IncorrectLookupParameters(error) from error
        if self.paginator.has_more:
            # where the two differ, the template shows "10000 results (Show all)"
            self.full_result_count = self.result_count
