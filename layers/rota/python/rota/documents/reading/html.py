"""HTML to text: the content of a page without its menus, and what structure says as Markdown.

There is one way for all pages: a file that somebody saved has the same menus as one that was fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rota.documents.reading.html_lines import lines
from rota.documents.reading.html_main import content
from rota.documents.reading.html_seen import seen
from rota.documents.reading.tidy import sane_title

_SEPARATOR = re.compile(r" [|–—·•-] ")


@dataclass(frozen=True, slots=True)
class HtmlText:
    """The text of a page, which begins with its title when that says more than the text; and the title."""

    title: str
    text: str


def html_text(markup: str) -> HtmlText:
    """Headings as `#`, list items as `-` or numbers, table rows as `a | b`, preformatted text between fences."""
    page = seen(markup)
    title, text = sane_title(page.title), lines(content(page))
    # "The tides – Harbour Notes" says no more than the heading "The tides".
    known = title in text or any(f"# {part}" in text for part in _SEPARATOR.split(title))
    return HtmlText(title, text if known or not text else f"{title}\n\n{text}")
