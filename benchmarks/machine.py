"""What was measured on: the machine, the versions and the date, as Markdown."""

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from benchmarks.bench import Options, Site, database

GIBIBYTE = 2**30


def describe(options: Options) -> str:
    databases = []
    for wanted in ["sqlite", *filter(None, [options.database])]:
        with database(wanted) as url:
            databases.append(Site(url).output("-m", "benchmarks.sites.database_version"))
    rows = [
        ("Date", f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"),
        ("Machine", f"{os.cpu_count()} cores, {processor()}, {memory():.0f} GiB of memory"),
        ("System", operating_system()),
        ("Load before the run", f"{os.getloadavg()[0]:.2f} (one minute's average)"),
        ("Python", platform.python_version()),
        ("Django, DRF", f"{version('Django')}, {version('djangorestframework')}"),
        ("VWO SDK", version("vwo-fme-python-sdk")),
        ("Databases", ", ".join([*databases, *redis_version(options.redis)])),
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows)])


def processor() -> str:
    """The model of the CPU, as Linux names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE


def operating_system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release().partition('-')[0]}"


def redis_version(url: str) -> list[str]:
    if not url:
        return []
    from redis import Redis

    return [f"Redis {Redis.from_url(url).info('server')['redis_version']}"]
