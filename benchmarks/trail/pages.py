"""What each page of the admin costs: the lists, their filters, searches and exports, a row."""

import time
from collections.abc import Callable
from typing import Any

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


class Reader:
    """A superuser who requests pages, and measures how long each takes."""

    def __init__(self) -> None:
        self._client = Client()
        self._client.force_login(get_user_model().objects.create_superuser("reader"))
        self._queries: list[float] = []

    def read(self, url: str, name: str = "") -> str:
        """Print what a page costs, the median of some rounds; returns its first part."""
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
            rounds.append((total, sum(self._queries), max(self._queries), len(self._queries)))
        total, database, slowest, count = sorted(rounds)[len(rounds) // 2]
        print(
            f"{name or url:60} {count:3} queries, {1000 * database:7.1f} ms in the database "
            f"(slowest {1000 * slowest:.1f}), {1000 * total:7.1f} ms in total",
            flush=True,
        )
        return str(body.decode())

    def _note(self, execute: Callable[..., Any], *args: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*args)
        finally:
            self._queries.append(time.perf_counter() - started)
