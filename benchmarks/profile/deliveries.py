"""Handles deliveries in this process, for ``benchmarks.profile``: no web server, no other worker.

Each line of standard input is a JSON object, ``{"count": …, "sample": …}``; each line of output is
one too, with what was measured.
"""

import contextlib
import io
import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.bench import SECRET
from benchmarks.load import payload
from benchmarks.profile.sampler import Sampler


class Deliveries:
    """Deliveries that all differ, each through the whole of Django."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._application = get_wsgi_application()
        self._numbers = itertools.count()

    def handle(self, count: int) -> None:
        for number in itertools.islice(self._numbers, count):
            self._handle(json.dumps(payload(number)).encode())

    def _handle(self, body: bytes) -> None:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": self._path,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_X_VWO_AUTH": SECRET,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        statuses: list[str] = []

        def start_response(status: str, *args: Any) -> Callable[[bytes], object]:
            statuses.append(status)
            return io.BytesIO().write

        response = self._application(environ, start_response)
        answer = b"".join(response)
        response.close()
        if not statuses[0].startswith("200"):
            raise SystemExit(f"{self._path} answered {statuses[0]}: {answer.decode()[:300]}")


def measure(deliveries: Deliveries, count: int, *, sample: bool) -> dict[str, Any]:
    sampler = Sampler()
    with sampler if sample else contextlib.nullcontext():
        started, cpu_started = time.perf_counter(), time.process_time()
        deliveries.handle(count)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "phases": [[*key, value] for key, value in sampler.phases.items()],
        "functions": sampler.functions,
    }


def statements(deliveries: Deliveries) -> list[str]:
    """What one delivery asks of the database, transactions included."""
    with CaptureQueriesContext(connection) as captured:
        deliveries.handle(1)
    return [" ".join(query["sql"].split()) for query in captured.captured_queries]


def main(path: str) -> None:
    django.setup()
    deliveries = Deliveries(path)
    deliveries.handle(20)
    for line in sys.stdin:
        task = json.loads(line)
        found: object
        if task["count"] == 0:
            found = statements(deliveries)
        else:
            found = measure(deliveries, task["count"], sample=task["sample"])
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
