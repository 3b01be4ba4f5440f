"""What each page of the admin costs: the lists, their filters, searches and exports, a row."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from benchmarks.trail.fill import ACTIONS
from benchmarks.trail.links import Links
from django_vwo_webhooks.models import SettingsSnapshot, WebhookEvent

ROUNDS = 3


def read_pages() -> None:
    reader = Reader()
    for model in (WebhookEvent, SettingsSnapshot):
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        listed = reverse(f"{prefix}_changelist")
        links = Links(reader.read(listed))
        for href in links.filters:
            reader.read(f"{listed}{href}", f"  {href}")
        middle = model.objects.order_by("pk")[model.objects.count() // 2].pk
        for term in ("flag_7", ACTIONS[0], str(middle), "no row has this"):
            reader.read(f"{listed}?q={term}", f"  ?q={term}")
        for href in (href for href in links.all if "export" in href):
            url = href if href.startswith("/") else f"{listed}{href}"
            reader.read(url, f"  first part of {href}")
        reader.read(reverse(f"{prefix}_change", args=[middle]))


class Cost(NamedTuple):
    """What a page took, in seconds."""

    total: float
    database: float
    slowest: float
    queries: int


def lists() -> dict[str, str]:
    """The pages of the table, by what they show."""
    events, snapshots = (
        reverse(f"admin:django_vwo_webhooks_{model}_changelist")
        for model in ("webhookevent", "settingssnapshot")
    )
    return {
        "events": events,
        "events, failed": f"{events}?outcome__exact=failed",
        "events, a search that finds some": f"{events}?q={ACTIONS[0]}",
        "events, a search that finds none": f"{events}?q=nothing",
        "snapshots": snapshots,
    }


class Reader:
    """A superuser who requests pages, and measures how long each takes."""

    def __init__(self) -> None:
        self._client = Client()
        self._client.force_login(get_user_model().objects.create_superuser("reader"))
        self._queries: list[float] = []

    def read(self, url: str, name: str = "") -> str:
        """Print what a page costs; returns its first part."""
        cost, body = self.measure(url)
        print(
            f"{name or url:60} {cost.queries:3} queries, {1000 * cost.database:7.1f} ms in the "
            f"database (slowest {1000 * cost.slowest:.1f}), {1000 * cost.total:7.1f} ms in total",
            flush=True,
        )
        return body

    def measure(self, url: str) -> tuple["Cost", str]:
        """The median of some rounds, and the first part of the page."""
        rounds = []
        for _ in range(ROUNDS):
            self._queries.clear()
            started = time.perf_counter()
            with connection.execute_wrapper(self._note):
                response = self._client.get(url)
                streaming = getattr(response, "streaming_content", None)
                body = response.content if streaming is None else next(iter(streaming))
            total = time.perf_counter() - started
            if response.status_code != 200:
                raise SystemExit(f"{url} answered {response.status_code}")
            response.close()
            rounds.append(Cost(total, sum(self._queries), max(self._queries), len(self._queries)))
        return sorted(rounds)[len(rounds) // 2], str(body.decode())

    def _note(self, execute: Callable[..., Any], *args: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*args)
        finally:
            self._queries.append(time.perf_counter() - started)
