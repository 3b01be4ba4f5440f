"""What one fetch of the settings costs the server in CPU time, which the site then lacks.

Compares the benchmarks' own server with the simulator of the test kit.
"""

import http.client
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.bench import serve
from benchmarks.processes import cpu_seconds
from benchmarks.vwo_server import Documents

FETCHES = 1000
PATH = "/server-side/v2-pull?i=key&r=0.5&a=1&platform=server&api-version=1"


def milliseconds(module: str, *options: str) -> float:
    """The CPU time of one fetch on a connection that stays open."""
    with serve(module, *options) as (url, pid):
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        fetch(connection, FETCHES // 10)
        before = cpu_seconds([pid])
        fetch(connection, FETCHES)
        used = cpu_seconds([pid]) - before
        connection.close()
    return 1000 * used / FETCHES


def fetch(connection: http.client.HTTPConnection, count: int) -> None:
    for _ in range(count):
        connection.request("GET", PATH)
        connection.getresponse().read()


def describe(features: int) -> str:
    own = milliseconds("benchmarks.vwo_server", "--features", str(features))
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        Path(file.name).write_bytes(next(Documents(features, changing=False)))
        simulator = milliseconds("django_vwo_webhooks.testing", "--settings", file.name)
    return (
        f"A fetch of {features} flags costs the server of the benchmarks {own:.2f} ms of CPU time "
        f"(the simulator: {simulator:.2f} ms)."
    )


if __name__ == "__main__":
    for number in (1, 200):
        print(describe(number), flush=True)
