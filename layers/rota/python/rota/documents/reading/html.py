"""HTML to text that keeps what structure says: headings as Markdown, list items, table rows, preformatted lines."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from bs4 import BeautifulSoup, CData, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString
from bs4.exceptions import ParserRejectedMarkup

from rota.errors import UnreadableDocumentError

# Stand for breaks until the page's own white space is collapsed; control characters cannot occur in tidy text.
_PARAGRAPH, _LINE, _ITEM, _CELL, _SPACE = "\x01", "\x02", "\x03", "\x04", "\x05"
_MARKS = str.maketrans("", "", _PARAGRAPH + _LINE + _ITEM + _CELL + _SPACE)

_UNSEEN = frozenset(("script", "style", "noscript", "template", "svg", "iframe", "object", "nav", "form", "head"))
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_SECTIONS = (
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "div",
    "figure",
    "footer",
    "header",
    "main",
    "section",
)
_BLOCKS = frozenset((*_HEADINGS, *_SECTIONS, "dd", "dl", "dt", "hr", "ol", "p", "pre", "table", "ul"))
_INNER = {"br": _LINE, "tr": _LINE, "li": _ITEM, "td": _CELL, "th": _CELL}


def html_text(markup: str) -> str:
    """The visible text of a page. Raises UnreadableDocumentError when the parser gives up."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
            soup = BeautifulSoup(markup, "html.parser")
    except (ParserRejectedMarkup, RecursionError) as error:
        raise UnreadableDocumentError("is HTML too broken to read") from error
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    text = _with_breaks("".join(_pieces(soup)))
    return f"{title}\n\n{text}" if text and title not in text else text


def _pieces(soup: BeautifulSoup) -> Iterator[str]:
    """Text and marks in reading order. A stack of its own, because pages nest deeper than Python may call."""
    stack: list[tuple[object, bool]] = [(soup, False)]
    while stack:
        node, preformatted = stack.pop()
        if isinstance(node, Tag):
            if _is_unseen(node):
                continue
            yield _mark_before(node)
            after = _PARAGRAPH if node.name in _BLOCKS else ""
            stack.append((after, preformatted))
            stack.extend((child, preformatted or node.name == "pre") for child in reversed(node.contents))
        elif type(node) is str:
            yield node
        elif type(node) in (NavigableString, CData):  # comments and declarations are other classes
            text = str(node).translate(_MARKS)
            yield text.replace("\n", _LINE).replace(" ", _SPACE) if preformatted else text


def _is_unseen(tag: Tag) -> bool:
    style = str(tag.get("style") or "").replace(" ", "").lower()
    return tag.name in _UNSEEN or tag.has_attr("hidden") or "display:none" in style


def _mark_before(tag: Tag) -> str:
    if tag.name in _BLOCKS:
        level = _HEADINGS.index(tag.name) + 1 if tag.name in _HEADINGS else 0
        return _PARAGRAPH + "#" * level + " " * bool(level)
    return _INNER.get(tag.name, "")


def _with_breaks(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    text = re.sub(rf"{_ITEM}[ {_PARAGRAPH}{_LINE}]*", f"{_LINE}- ", text)
    text = re.sub(rf"{_LINE}[ {_PARAGRAPH}]*{_CELL}", _LINE, text)
    text = re.sub(rf" ?{_PARAGRAPH}[ {_PARAGRAPH}{_LINE}]*", "\n\n", text)
    text = re.sub(rf" ?{_LINE} ?", "\n", text)
    return re.sub(rf" ?{_CELL} ?", " | ", text).replace(_SPACE, " ").strip()
