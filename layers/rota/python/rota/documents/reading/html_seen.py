"""What is seen of an HTML page: its text in reading order, with the marks that its structure makes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from selectolax.lexbor import LexborHTMLParser, LexborNode


class Mark(Enum):
    """Between pieces of text. Two breaks make a paragraph, two lines do not; without a text before `END`, the label of
    a list item or heading is void."""

    BREAK = "break"
    LINE = "line"
    PARAGRAPH = "paragraph"
    END = "end"
    ROW = "row"
    CELL = "cell"
    CELL_END = "cell_end"
    PREFORMATTED = "preformatted"
    FLOWING = "flowing"


@dataclass(frozen=True, slots=True)
class Label:
    """Stands before the text that follows, whatever paragraphs begin between: `- `, `3. `, `## `."""

    text: str


Piece = str | Mark | Label


@dataclass(slots=True)
class Region:
    """An element that may or may not belong to the page's content: pieces `start` to `end` (exclusive).

    `prose` counts the characters that are not links, `linked` those that are, `links` the links.
    """

    tag: str
    words: frozenset[str]
    inside: bool
    start: int
    end: int = 0
    prose: int = 0
    linked: int = 0
    links: int = 0


@dataclass(slots=True)
class Seen:
    """A page's pieces, and its regions in the order in which they begin. The first region is the page."""

    pieces: list[Piece] = field(default_factory=list)
    regions: list[Region] = field(default_factory=lambda: [Region("page", frozenset(), False, 0)])
    title: str = ""


_UNSEEN = frozenset(
    (
        *("script", "style", "noscript", "template", "svg", "annotation", "iframe", "object", "head", "title"),
        *("button", "select", "textarea", "audio", "video", "canvas", "map"),
    )
)
_HEADINGS = {f"h{level}": Label("#" * level + " ") for level in range(1, 7)}
_REGIONS = frozenset(
    (
        *(
            "article",
            "aside",
            "body",
            "center",
            "details",
            "dialog",
            "div",
            "dl",
            "fieldset",
            "footer",
            "form",
            "header",
        ),
        *("main", "nav", "ol", "p", "section", "table", "ul"),
    )
)
_BLOCKS = _REGIONS | frozenset(
    ("address", "blockquote", "caption", "dd", "dt", "figcaption", "figure", "hr", "legend", "pre", "summary")
)
_HIDDEN = re.compile(r"display:none|visibility:hidden|font-size:0(?![.\d])|opacity:0(?![.\d])")
_WORDS = re.compile(r"[a-z]+|[A-Z][a-z]*")
_ANCHORS = frozenset(("¶", "#", "§", "🔗"))
MAX_NAMES = 500
"""Characters of an element's class and id that are looked at."""


def seen(markup: str) -> Seen:
    """Walk a page. Scripts, styles, controls and what is hidden by its own style are not seen."""
    parser = LexborHTMLParser(markup)
    walk = _Walk()
    title = parser.css_first("title")
    walk.seen.title = title.text() if title else ""
    if parser.root is not None:
        walk.walk(parser.root)
    return walk.seen


@dataclass(slots=True)
class _Walk:
    """A stack of its own, because pages nest deeper than Python may call."""

    seen: Seen = field(default_factory=Seen)
    open: list[Region] = field(default_factory=list)
    lists: list[int | None] = field(default_factory=list)
    in_link: int = 0
    in_heading: int = 0
    in_pre: int = 0
    in_article: int = 0

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
            elif not tag.startswith("-") and not _is_unseen(node, tag):
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
        if self.in_link:
            region.linked += characters
        else:
            region.prose += characters

    def _enter(self, node: LexborNode, tag: str) -> None:
        pieces = self.seen.pieces
        if tag in _BLOCKS:
            nested = tag in ("ul", "ol") and self.lists
            pieces.append(Mark.LINE if nested else Mark.PARAGRAPH)
        if tag in _REGIONS:
            region = Region(tag, _words(node), self.in_article > 0, len(pieces))
            self.seen.regions.append(region)
            self.open.append(region)
            self.in_article += tag in ("article", "main")
        self._mark(tag)

    def _mark(self, tag: str) -> None:
        pieces = self.seen.pieces
        if tag == "a":
            self.in_link += 1
            self.open[-1].links += 1
        elif tag == "br":
            pieces.append("\n" if self.in_pre else Mark.BREAK)
        elif tag in _HEADINGS:
            pieces.extend((Mark.PARAGRAPH, _HEADINGS[tag]))
            self.in_heading += 1
        elif tag in ("ul", "ol"):
            self.lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            pieces.extend((Mark.LINE, self._item()))
        elif tag == "tr":
            pieces.append(Mark.ROW)
        elif tag in ("td", "th"):
            pieces.append(Mark.CELL)
        elif tag == "pre":
            pieces.append(Mark.PREFORMATTED)
            self.in_pre += 1

    def _item(self) -> Label:
        indent = "  " * (min(len(self.lists), 9) - 1)
        if not self.lists or self.lists[-1] is None:
            return Label(f"{indent}- ")
        self.lists[-1] += 1
        return Label(f"{indent}{self.lists[-1]}. ")

    def _leave(self, tag: str) -> None:
        pieces = self.seen.pieces
        if tag == "a":
            self.in_link -= 1
        elif tag in _HEADINGS:
            pieces.extend((Mark.END, Mark.PARAGRAPH))
            self.in_heading -= 1
        elif tag in ("ul", "ol"):
            self.lists.pop()
        elif tag == "li":
            pieces.append(Mark.END)
        elif tag in ("td", "th"):
            pieces.append(Mark.CELL_END)
        elif tag == "pre":
            pieces.append(Mark.FLOWING)
            self.in_pre -= 1
        if tag in _REGIONS:
            self._close(tag)
        if tag in _BLOCKS:
            pieces.append(Mark.LINE if tag in ("ul", "ol") and self.lists else Mark.PARAGRAPH)

    def _close(self, tag: str) -> None:
        region = self.open.pop()
        region.end = len(self.seen.pieces)
        self.in_article -= tag in ("article", "main")
        outer = self.open[-1]
        outer.prose += region.prose
        outer.linked += region.linked
        outer.links += region.links


def _is_unseen(node: LexborNode, tag: str) -> bool:
    if tag in _UNSEEN:
        return True
    attributes = node.attributes
    if not attributes:
        return False
    style = attributes.get("style")
    return "hidden" in attributes or bool(style and _HIDDEN.search(style.replace(" ", "").lower()))


def _words(node: LexborNode) -> frozenset[str]:
    """The words of an element's class, id and role: `PageFooter__link-list` has four."""
    attributes = node.attributes
    named = " ".join(attributes.get(name) or "" for name in ("class", "id"))[:MAX_NAMES]
    role = attributes.get("role") or ""
    return frozenset(word.lower() for word in _WORDS.findall(named)) | ({f"role={role.lower()}"} if role else set())
