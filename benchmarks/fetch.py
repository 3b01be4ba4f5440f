"""What one fetch of VWO's settings costs: by us, by a bare ``requests.get`` and by ``http.client``.

The three take turns against a simulator in a process of its own, so that whatever else the machine
does affects them alike. Ours and that of ``http.client`` keep their connections; ``requests.get``
opens one each time.
"""

import argparse
import http.client
import os
import statistics
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import django
import requests

from benchmarks.bench import Site, vwo

ROUNDS = 40
FETCHES_PER_ROUND = 25
PATH = "/server-side/v2-pull"
QUERY = {"i": "key", "a": "1", "r": "0.5", "platform": "server", "api-version": "1"}


def ours() -> Callable[[], object]:
    from django_vwo_webhooks.sdk import load_sdk

    sdk = load_sdk()
    return lambda: sdk.fetch(5)


def by_requests(url: str) -> Callable[[], object]:
    return lambda: requests.get(url + PATH, params=QUERY, timeout=5).content


def by_http_client(url: str) -> Callable[[], object]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    target = f"{PATH}?{urlencode(QUERY)}"

    def fetch() -> bytes:
        connection.request("GET", target)
        return connection.getresponse().read()

    return fetch


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--features", type=int, default=1, help="flags in the document")
    args = options.parse_args()
    with vwo(args.features) as url:
        # no table is read, so the database may stay empty
        site = Site("sqlite:///:memory:", SDK_OPTIONS={"proxy_url": url})
        os.environ.update(site.environment)
        django.setup()
        fetches = {
            "django_vwo_webhooks": ours(),
            "requests.get": by_requests(url),
            "http.client": by_http_client(url),
        }
        seconds: dict[str, list[float]] = {name: [] for name in fetches}
        for _ in range(ROUNDS):
            for name, fetch in fetches.items():
                fetch()  # puts caches and the server's thread back in step after the other two
                for _ in range(FETCHES_PER_ROUND):
                    started = time.perf_counter()
                    fetch()
                    seconds[name].append(time.perf_counter() - started)
    print(f"{args.features} flags, {ROUNDS * FETCHES_PER_ROUND} fetches of each, milliseconds")
    for name, found in seconds.items():
        tenths = statistics.quantiles(found, n=10)
        median, p90 = 1000 * statistics.median(found), 1000 * tenths[-1]
        print(f"{name:19} median {median:.2f}  p90 {p90:.2f}")


if __name__ == "__main__":
    main()
