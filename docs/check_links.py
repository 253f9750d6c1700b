"""Check that links between the pages of the built site lead somewhere, anchors included.

``python docs/check_links.py docs/_build/html`` prints those that do not, and then fails.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note what a tag links to and what it can be linked by."""
        attributes = dict(attrs)
        self.links |= {attributes[name] for name in ("href", "src") if attributes.get(name)}
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}


def main(folder):
    """Print broken links; return their number."""
    found = [path.resolve() for path in Path(folder).rglob("*.html") if "_static" not in path.parts]
    pages = {path: Page(path.read_text()) for path in found}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            target = urlsplit(link)
            if target.scheme or target.netloc or link == "#":
                continue
            file = (path.parent / unquote(target.path)).resolve() if target.path else path
            anchor = unquote(target.fragment)
            known = not anchor or file not in pages or anchor in pages[file].anchors
            if not file.exists() or not known:
                broken.append(f"{path}: {link}")
    print("\n".join(sorted(broken)) or f"{len(pages)} pages, no broken link")
    return len(broken)


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1])))
