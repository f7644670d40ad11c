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
_LINES_OF_CODE = (_BLOCKS - {"pre"}) | {"li", "tr"}
_HIDDEN = re.compile(r"display:none|visibility:hidden|font-size:0(?![.\d])")  # by opacity: what fades in
_ITEM_NUMBER = re.compile(r"\s*(-?[0-9]{1,9})")
_ENDS_OF_WORDS = re.compile(r"\s*[^\W\d_]{2,}\s*")  # 2nd, 1er
_WORDS = re.compile(r"[a-z]+|[A-Z][a-z]*")
_ANCHORS = frozenset(("¶", "#", "§", "🔗"))
MAX_HEADING = 200
"""Characters of a region's heading that are kept."""

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
    in_sup: int = 0
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
        pieces = self.seen.pieces
        if self.in_pre and tag in _LINES_OF_CODE:
            self._end_line()
        elif tag in _BLOCKS:
            nested = tag in ("ul", "ol") and self.lists
            pieces.append(Mark.LINE if nested else Mark.PARAGRAPH)
        if tag in _REGIONS:
            region = _region(node, tag, self.in_article > 0, len(pieces))
            self.seen.regions.append(region)
            self.open.append(region)
            self.in_article += _is_article(region)
        if tag in _HEADINGS or tag == "summary":
            self.in_heading, self.is_headed = self.in_heading + 1, False
        elif tag == "sup":
            self._raise(node)
        self._mark(node, tag)

    def _mark(self, node: LexborNode, tag: str) -> None:
        pieces = self.seen.pieces
        if tag == "a":
            self.in_link += 1
            self.open[-1].links += 1
        elif tag == "br":
            pieces.append("\n" if self.in_pre else Mark.BREAK)
        elif tag in _HEADINGS:
            pieces.extend((Mark.PARAGRAPH, _HEADINGS[tag]))
        elif tag in ("ul", "ol"):
            self.lists.append(_number(node, "start", 1) if tag == "ol" else None)
        elif tag == "li":
            pieces.extend((Mark.LINE, self._item(node)))
        elif tag == "tr":
            pieces.append(Mark.ROW)
        elif tag in ("td", "th"):
            pieces.append(Mark.CELL)
        elif tag == "pre":
            pieces.append(Mark.PREFORMATTED)
            self.in_pre += 1

    def _raise(self, node: LexborNode) -> None:
        """Powers keep apart from their base; the marks of footnotes are links, and endings of words need nothing."""
        self.in_sup += 1
        last = self.seen.pieces[-1] if self.seen.pieces else ""
        if self.in_sup > 1 or self.in_link or not (isinstance(last, str) and last[-1:].isalnum()):
            return
        text = node.text()
        if text.strip() and not _ENDS_OF_WORDS.fullmatch(text) and node.css_first("a") is None:
            self.seen.pieces.append("^")

    def _end_line(self) -> None:
        """A block in preformatted text is a line of it."""
        last = self.seen.pieces[-1]
        if isinstance(last, str) and not last.endswith("\n"):
            self.seen.pieces.append("\n")

    def _item(self, node: LexborNode) -> Label:
        indent = "  " * (min(len(self.lists), 9) - 1)
        if not self.lists or self.lists[-1] is None:
            return Label(f"{indent}- ")
        number = _number(node, "value", self.lists[-1])
        self.lists[-1] = number + 1
        return Label(f"{indent}{number}. ")

    def _leave(self, tag: str) -> None:
        is_line_of_code = self.in_pre > 0 and tag in _LINES_OF_CODE
        if is_line_of_code:
            self._end_line()
        if tag in _HEADINGS or tag == "summary":
            self.in_heading -= 1
        elif tag == "sup":
            self.in_sup -= 1
        self._end_mark(tag)
        if tag in _REGIONS:
            self._close()
        if tag in _BLOCKS and not is_line_of_code:
            self.seen.pieces.append(Mark.LINE if tag in ("ul", "ol") and self.lists else Mark.PARAGRAPH)

    def _end_mark(self, tag: str) -> None:
        pieces = self.seen.pieces
        if tag == "a":
            self.in_link -= 1
        elif tag in _HEADINGS:
            pieces.extend((Mark.END, Mark.PARAGRAPH))
        elif tag in ("ul", "ol"):
            self.lists.pop()
        elif tag == "li":
            pieces.append(Mark.END)
        elif tag in ("td", "th"):
            pieces.append(Mark.CELL_END)
        elif tag == "pre":
            pieces.append(Mark.FLOWING)
            self.in_pre -= 1

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


def _number(node: LexborNode, name: str, otherwise: int) -> int:
    found = _ITEM_NUMBER.match(node.attributes.get(name) or "")
    return int(found[1]) if found else otherwise


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
