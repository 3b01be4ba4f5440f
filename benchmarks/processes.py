"""What the processes of a site's web server use."""

import os
import subprocess
from pathlib import Path


def gunicorn_pids(port: int) -> list[int]:
    """The master and its workers."""
    found = subprocess.run(
        ["pgrep", "-f", f"gunicorn --bind 127.0.0.1:{port}"], capture_output=True, text=True
    )
    return [int(pid) for pid in found.stdout.split()]


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def private_kibibytes(pids: list[int]) -> int:
    """The memory of these processes that they share with no other process."""
    return sum(
        int(line.split()[1])
        for pid in pids
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if line.startswith("Private_")
    )


def own_private_kibibytes() -> int:
    return private_kibibytes([os.getpid()])


def cpu_seconds(pids: list[int]) -> float:
    """The CPU time of these processes since they started, their threads included."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
