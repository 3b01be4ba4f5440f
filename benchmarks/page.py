"""The page that holds the newest tables: what stands between two comments of it is replaced."""

from pathlib import Path

BEGIN = "<!-- what `make bench` printed -->"
END = "<!-- the end of it -->"


def write(path: Path, text: str) -> None:
    """Replace what stands between the comments; raises ``ValueError`` where one is missing."""
    page = path.read_text()
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"{path} must have one {BEGIN} and one {END}")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}")
