"""Deliveries a second, against a floor view that checks the secret, and does one INSERT.

Accepted ones all differ and refresh each; at VWO nothing changes meanwhile. Floor and app answer in
the same run, in turns, so that what else the machine does meets both.
"""

import asyncio
import itertools
import json
import statistics
import time

from benchmarks.bench import SECRET, Site, database, parser, vwo

SERVERS = {
    "2 sync workers": ["-w", "2"],
    "2 workers of 8 threads": ["-w", "2", "-k", "gthread", "--threads", "8"],
}
ROUNDS = 5
counter = itertools.count()


def request(path: str, secret: str) -> bytes:
    number = next(counter)
    body = json.dumps(
        {
            "timestamp": 1606482285 + number,
            "event": "settings_changed",
            "action": f"change {number}",
            "triggered_by": "vwo",
        }
    ).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nx-vwo-auth: {secret}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def rate(
    port: int, path: str, secret: str, wanted: int, connections: int, seconds: float
) -> float:
    """Answers a second; each must have the status that is wanted."""
    end = time.monotonic() + seconds
    answered = 0

    async def client() -> None:
        nonlocal answered
        while time.monotonic() < end:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(path, secret))
            answer = await reader.read()
            writer.close()
            status = int(answer[9:12])
            if status != wanted and status != 503:
                raise SystemExit(f"{path} answered {status}: {answer[-300:]!r}")
            answered += status == wanted

    started = time.monotonic()
    await asyncio.gather(*(client() for _ in range(connections)))
    return answered / (time.monotonic() - started)


def compare(
    port: int, secret: str, wanted: int, connections: int, seconds: float
) -> tuple[float, float]:
    """The floor's and the app's rate: medians over rounds that take turns."""
    rates: dict[str, list[float]] = {"/floor/": [], "/webhooks/vwo/": []}
    for path, found in itertools.islice(itertools.cycle(rates.items()), 2 * ROUNDS):
        found.append(asyncio.run(rate(port, path, secret, wanted, connections, seconds)))
    floor, app = (statistics.median(found) for found in rates.values())
    return floor, app


def main() -> None:
    options = parser(str(__doc__))
    options.add_argument("--seconds", type=float, default=2.0, help="of each round")
    args = options.parse_args()
    single: dict[tuple[str, int], float] = {}
    for features in (1, 200):
        with vwo(features) as vwo_url, database(args.database) as url:
            site = Site(url, SDK_OPTIONS={"proxy_url": vwo_url})
            site.manage("migrate", "-v0")
            for name, workers in SERVERS.items():
                with site.gunicorn(*workers) as port:
                    asyncio.run(rate(port, "/webhooks/vwo/", SECRET, 200, 4, 1))
                    for connections in (1, 8, 64):
                        floor, app = compare(port, SECRET, 200, connections, args.seconds)
                        line = f"{features:3} features, {name:22}, c={connections:2}: "
                        line += f"floor {floor:6.1f}/s, accepted {app:6.1f}/s, {app / floor:.2f}"
                        key = (name, connections)
                        if features == 1:
                            single[key] = app / floor
                        else:
                            line += f", against one feature {app / floor / single[key]:.2f}"
                        print(line, flush=True)
                    if features == 1:
                        floor, app = compare(port, "wrong", 401, 8, args.seconds)
                        print(
                            f"refused, {name}, c=8: floor {floor:.1f}/s, app {app:.1f}/s, "
                            f"{app / floor:.2f}",
                            flush=True,
                        )


if __name__ == "__main__":
    main()
