from html.parser import HTMLParser


class Links(HTMLParser):
    """The addresses of a page's links; ``filters`` are those in its sidebar."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[str] = []
        self.filters: list[str] = []
        self._sidebar = ""
        self._depth = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id") == "changelist-filter":
            self._sidebar, self._depth = tag, 1
        elif tag == self._sidebar and self._depth:
            self._depth += 1
        href = values.get("href")
        if tag == "a" and href and href not in self.all:
            self.all.append(href)
            if self._depth:
                self.filters.append(href)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._sidebar and self._depth:
            self._depth -= 1
