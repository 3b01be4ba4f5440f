"""Where the main thread spends its time: its stack every millisecond, weighted by the time between.

Stacks are grouped by the paths of their modules, and in the package by whatever names it has.
"""

import itertools
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Any

INTERVAL_SECONDS = 0.001
PACKAGE = "django_vwo_webhooks"
DRIVERS = ("psycopg/", "psycopg_binary/", "MySQLdb/")
HTTP = ("requests/", "urllib3/", "http/client.py", "socket.py")
ROOTS = sorted((str(Path(path)) + "/" for path in sys.path if path), key=len, reverse=True)

Frame = tuple[str, str]
"""The path of a module, relative to where it is imported from, and the name of the function."""


class Sampler:
    """Samples the stack of the main thread while it is used in a ``with`` block."""

    def __init__(self) -> None:
        self.phases: dict[tuple[str, str], float] = defaultdict(float)
        """Seconds by phase of a delivery and by layer."""
        self.functions: dict[str, float] = defaultdict(float)
        """Seconds by the package's innermost function on the stack, libraries included."""
        self._paths: dict[str, str] = {}
        self._last = 0.0

    def __enter__(self) -> "Sampler":
        self._last = time.perf_counter()
        signal.signal(signal.SIGALRM, self._sample)
        signal.siginterrupt(signal.SIGALRM, False)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL_SECONDS, INTERVAL_SECONDS)
        return self

    def __exit__(self, *args: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _sample(self, number: int, frame: FrameType | None) -> None:
        # a call into C that took many intervals is sampled once, right after it
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        stack = self._stack(frame)
        self.phases[phase(stack), layer(stack)] += seconds
        self.functions[innermost(stack)] += seconds

    def _stack(self, frame: FrameType | None) -> list[Frame]:
        """The frames, the innermost one last."""
        stack: list[Frame] = []
        while frame is not None:
            code: Any = frame.f_code
            path = self._paths.get(code.co_filename)
            if path is None:
                path = self._paths[code.co_filename] = relative(code.co_filename)
            stack.append((path, getattr(code, "co_qualname", code.co_name)))
            frame = frame.f_back
        stack.reverse()
        return stack


def relative(path: str) -> str:
    for root in ROOTS:
        if path.startswith(root):
            return path.removeprefix(root)
    return path


def phase(stack: list[Frame]) -> str:
    """Which part of a delivery the stack belongs to; the rooms of the package are its parts."""
    paths = [path for path, _ in stack]
    rooms = {room(path) for path in paths if path.startswith(f"{PACKAGE}/")}
    database = has(paths, "django/db/")
    if any(path.startswith(HTTP) or fetches(path, name) for path, name in stack):
        return "fetch from VWO"
    if any(
        outer.startswith(f"{PACKAGE}/") and inner.startswith("django/dispatch/")
        for outer, inner in itertools.pairwise(paths)
    ):
        return "signals"
    if "broadcast" in rooms:
        return "broadcast"
    if database:
        return "database, in refresh/" if "refresh" in rooms else "database, before the refresh"
    if rooms & {"sdk", "changes"} or has(paths, "vwo/", "wingify/"):
        return "SDK and changes: digest, validate, compare, build, apply"
    if rooms & {"refresh", "models"}:
        return "refresh/ and models/, other Python code"
    if has(paths, "rest_framework/"):
        return "DRF and the view"
    return "Django: handler, middleware, response"


def layer(stack: list[Frame]) -> str:
    """Who works: the database and its driver, the ORM, or other code."""
    innermost_path, name = stack[-1]
    if innermost_path.startswith(DRIVERS):
        return "database"
    if innermost_path.startswith("django/db/backends/") and name.rpartition(".")[2] in (
        "_commit",
        "_rollback",
        "_execute",
        "_executemany",
        "_start_transaction_under_autocommit",
        "execute",
        "executemany",
        "set_autocommit",
        "_set_autocommit",
    ):
        return "database"
    return "ORM" if has([path for path, _ in stack], "django/db/") else "other"


def innermost(stack: list[Frame]) -> str:
    """The innermost function on the stack that is the package's or the benchmarks'."""
    for path, name in reversed(stack):
        if path.startswith((f"{PACKAGE}/", "benchmarks/sites/floor/", "benchmarks/sites/naive/")):
            return f"{path.removeprefix(f'{PACKAGE}/')}: {name}"
    return "(none: Django and DRF around it)"


def fetches(path: str, name: str) -> bool:
    place = f"{path.removesuffix('.py')}.{name}"
    return path.startswith(f"{PACKAGE}/sdk/") and (
        "download" in place or any(part.strip("_") == "fetch" for part in place.split("."))
    )


def room(path: str) -> str:
    return path.removeprefix(f"{PACKAGE}/").partition("/")[0].removesuffix(".py")


def has(paths: list[str], *beginnings: str) -> bool:
    return any(path.startswith(beginnings) for path in paths)
