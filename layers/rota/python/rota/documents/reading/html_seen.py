"""What is seen of an HTML page: its text in reading order, and the regions that it lies in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rota.documents.reading.html_marks import HEADINGS, REGIONS, Marks, Piece

MAX_HEADING = 200
"""Characters of a region's heading that are kept."""

MAX_NAMES = 500
"""Characters of an element's class and id that are looked at."""

_UNSEEN = frozenset(
    (
        *("script", "style", "noscript", "template", "svg", "annotation", "iframe", "object", "head", "title"),
        *("button", "select", "textarea", "audio", "video", "canvas", "map"),
    )
)
_HIDDEN = re.compile(r"display:none|visibility:hidden|font-size:0(?![.\d])")  # by opacity: what fades in
_WORDS = re.compile(r"[a-z]+|[A-Z][a-z]*")
_ANCHORS = frozenset(("¶", "#", "§", "🔗"))


@dataclass(slots=True)
class Region:
    """An element that may or may not belong to the page's content: pieces `start` to `end` (exclusive).

    `words` are those of its class, and its role; `ids` those of its id. `inside` is true in an article. `heading` is
    what its first heading begins with. `prose` counts the characters that are not links, `linked` those that are,
    `links` the links.
    """

    tag: str
    words: frozenset[str]
    ids: frozenset[str]
    inside: bool
    start: int
    end: int = 0
    heading: str = ""
    prose: int = 0
    linked: int = 0
    links: int = 0


@dataclass(slots=True)
class Seen:
    """A page's pieces, and its regions in the order in which they begin. The first region is the page."""

    pieces: list[Piece] = field(default_factory=list)
    regions: list[Region] = field(default_factory=lambda: [Region("page", frozenset(), frozenset(), False, 0)])
    title: str = ""


def seen(markup: str) -> Seen:
    """Walk a page. Scripts, styles, controls and what is hidden by its own style are not seen."""
    parser = LexborHTMLParser(markup)
    title = parser.css_first("title")
    page = Seen(title=title.text() if title else "")
    if parser.root is not None:
        _Walk(page, Marks(page.pieces)).walk(parser.root)
    return page


@dataclass(slots=True)
class _Walk:
    """A stack of its own, because pages nest deeper than Python may call."""

    seen: Seen
    marks: Marks
    open: list[Region] = field(default_factory=list)
    in_link: int = 0
    in_heading: int = 0
    in_article: int = 0
    is_headed: bool = False
    """Whether the last heading that began has text."""

    def walk(self, root: LexborNode) -> None:
        page = self.seen.regions[0]
        self.open.append(page)
        node: LexborNode | None = root
        above: list[tuple[LexborNode, str]] = []
        while node is not None:
            following = None
            tag = node.tag or ""
            if tag == "-text":
                self._text(node.text_content or "")
            elif not tag.startswith("-") and not self._is_unseen(node, tag):
                self._enter(node, tag)
                following = node.first_child
                if following is not None:
                    above.append((node, tag))
                else:
                    self._leave(tag)
            if following is None:
                following = node.next
                while following is None and above:
                    parent, left = above.pop()
                    self._leave(left)
                    following = parent.next
            node = following
        page.end = len(self.seen.pieces)

    def _text(self, text: str) -> None:
        if self.in_link and self.in_heading and text.strip() in _ANCHORS:
            return
        self.seen.pieces.append(text)
        characters = len(text) - text.count(" ") - text.count("\n")
        region = self.open[-1]
        if self.in_heading and characters:
            self.is_headed = True
            if len(region.heading) < MAX_HEADING:
                region.heading += text[:MAX_HEADING] + " "
        if self.in_link:
            region.linked += characters
        else:
            region.prose += characters

    def _enter(self, node: LexborNode, tag: str) -> None:
        self.marks.open_block(tag)
        if tag in REGIONS:
            region = _region(node, tag, self.in_article > 0, len(self.seen.pieces))
            self.seen.regions.append(region)
            self.open.append(region)
            self.in_article += _is_article(region)
        elif tag in HEADINGS or tag == "summary":
            self.in_heading, self.is_headed = self.in_heading + 1, False
        elif tag == "a":
            self.in_link += 1
            self.open[-1].links += 1
        self.marks.begin(node, tag, self.in_link > 0)

    def _leave(self, tag: str) -> None:
        self.marks.end(tag)
        if tag in REGIONS:
            self._close()
        elif tag in HEADINGS or tag == "summary":
            self.in_heading -= 1
        elif tag == "a":
            self.in_link -= 1
        self.marks.close_block(tag)

    def _close(self) -> None:
        region = self.open.pop()
        region.end = len(self.seen.pieces)
        self.in_article -= _is_article(region)
        outer = self.open[-1]
        outer.heading = outer.heading or region.heading
        outer.prose += region.prose
        outer.linked += region.linked
        outer.links += region.links

    def _is_unseen(self, node: LexborNode, tag: str) -> bool:
        # A heading that unfolds its text is a button; behind a heading, a button copies its link.
        is_heading = tag == "button" and self.in_heading and not self.is_headed
        if tag in _UNSEEN and not is_heading:
            return True
        attributes = node.attributes
        if not attributes:
            return False
        style = attributes.get("style")
        return "hidden" in attributes or bool(style and _HIDDEN.search(style.replace(" ", "").lower()))


def _is_article(region: Region) -> bool:
    return region.tag in ("article", "main") or (region.tag != "body" and "role=main" in region.words)


def _region(node: LexborNode, tag: str, inside: bool, start: int) -> Region:
    attributes = node.attributes
    role = (attributes.get("role") or "").lower()
    words = _words(attributes.get("class")) | ({f"role={role}"} if role else set())
    return Region(tag, words, _words(attributes.get("id")), inside, start)


def _words(name: str | None) -> frozenset[str]:
    """The words of an element's class or id: `PageFooter__link-list` has four."""
    return frozenset(word.lower() for word in _WORDS.findall((name or "")[:MAX_NAMES]))
