"""Check a built site: nothing is asked of another host, and every link within it leads somewhere.

python docs/links.py build/site
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ASKED = {"src", "srcset", "poster", "data"}  # attributes that a browser loads
LOADED = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "manifest"}  # by <link>


class Page(HTMLParser):
    """What a page loads, what it links to, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        for name in ASKED & given.keys():
            many = given[name].split(",") if name == "srcset" else [given[name]]
            self.loads += [each.split()[0] for each in many if each.split()]
        if tag == "link" and LOADED & set(given.get("rel", "").split()):
            self.loads.append(given["href"])
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])


def faults(root: Path) -> Iterator[str]:
    """A line for each thing that is wrong."""
    pages = {path.resolve(): Page(path) for path in sorted(root.rglob("*.html"))}
    for path, page in pages.items():
        where = path.relative_to(root.resolve())
        for url in page.loads:
            if urlsplit(url).netloc:
                yield f"{where} loads {url}"
        for url in (*page.loads, *page.links):
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{where}: {url} is not there"
            elif parts.fragment and unquote(parts.fragment) not in pages[target].names:
                yield f"{where}: {url} is no place in that page"
    for sheet in sorted(root.rglob("*.css")):
        text = sheet.read_text(encoding="utf-8")
        if "@import" in text or "url(http" in text or "url(//" in text:
            yield f"{sheet.relative_to(root)} loads something of another file or host"
    if not pages:
        yield f"{root} has no pages"


if __name__ == "__main__":
    found = list(faults(Path(sys.argv[1])))
    print("\n".join(found) or "all links lead somewhere, and nothing is asked of another host")
    sys.exit(bool(found))
