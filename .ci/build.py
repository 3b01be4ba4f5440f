"""Builds sdist and wheel into dist/: the same bytes wherever and whenever a commit is built.

setuptools honours SOURCE_DATE_EPOCH in wheels only, so the sdist is packed anew. With --check, two
clones of HEAD are built in other folders, some seconds apart, and compared.
"""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str, cwd: Path, umask: int = 0o022, **environment: str) -> None:
    subprocess.run(
        command,
        cwd=cwd,
        umask=umask,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def commit_time() -> str:
    """When the commit was made, unless SOURCE_DATE_EPOCH says another time."""
    git = ["git", "log", "-1", "--format=%ct"]
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return given or subprocess.check_output(git, cwd=ROOT, text=True).strip()


def pack_anew(sdist: Path, epoch: int) -> None:
    """Replace what depends on the machine: order, times, owners and the umask."""
    packed = io.BytesIO()
    with (
        tarfile.open(sdist) as old,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime = epoch
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.pax_headers = {}
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    sdist.write_bytes(gzip.compress(packed.getvalue(), mtime=epoch))


def build(dist: Path) -> None:
    shutil.rmtree(dist, ignore_errors=True)
    epoch = commit_time()
    to_dist = [sys.executable, "-m", "build", "--quiet", "--outdir", str(dist)]
    run(*to_dist, "--sdist", ".", cwd=ROOT)
    [sdist] = dist.glob("*.tar.gz")
    pack_anew(sdist, int(epoch))
    with tempfile.TemporaryDirectory() as unpacked:
        shutil.unpack_archive(sdist, unpacked)
        [folder] = Path(unpacked).iterdir()
        run(*to_dist, "--wheel", ".", cwd=folder, SOURCE_DATE_EPOCH=epoch)


def check() -> None:
    found = []
    # while this runs, another commit may become HEAD
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        for clone, umask in ((Path(one), 0o022), (Path(two) / "a" / "longer path", 0o077)):
            time.sleep(2)  # the times in tar and gzip are whole seconds, those in zip two
            run("git", "clone", "--quiet", str(ROOT), str(clone), cwd=ROOT, umask=umask)
            run("git", "checkout", "--quiet", head, cwd=clone, umask=umask)
            run(sys.executable, ".ci/build.py", cwd=clone, umask=umask)
            files = sorted((clone / "dist").iterdir())
            found.append({f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files})
    assert len(found[0]) == 2, found
    assert found[0] == found[1], f"The builds differ: {found}"
    for name, digest in found[0].items():
        print(digest, name)


if __name__ == "__main__":
    check() if sys.argv[1:] == ["--check"] else build(ROOT / "dist")
