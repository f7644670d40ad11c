"""Which regions of a page are its content: menus, banners and footers are left out, an article never is.

Every rule is a guess at what an author meant, so none may take more than its share of the page's prose, and when all
of them together leave too little, the whole page is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rota.documents.reading.html_marks import Piece
from rota.documents.reading.html_seen import Region, Seen

_ALWAYS_ASIDE = frozenset(("dialog", "nav"))
_ASIDE = frozenset(("aside", "footer", "header"))  # in an article they are its note, its corrections, its head
_ROLES = frozenset(
    f"role={role}"
    for role in ("alertdialog", "banner", "complementary", "contentinfo", "dialog", "menu", "navigation", "search")
)
_NOTE_ROLE = "role=doc-"  # of parts of a book, such as its notes
_HEAD_IDS = frozenset(("title", "block"))  # Pandoc's head of a document
_WORD = re.compile(r"\w+")
_CONSENT = frozenset(("consent", "cookie", "cookiebanner", "cookies", "gdpr"))
_NAMES = frozenset(
    (
        *("ad", "ads", "advert", "advertisement", "banner", "breadcrumb", "breadcrumbs", "footer", "masthead", "menu"),
        *("nav", "navbar", "navigation", "newsletter", "pager", "pagination", "popup", "promo", "recommended"),
        *("related", "share", "sharing", "sidebar", "signup", "social", "sponsored", "subscribe", "topnav"),
    )
)

MAX_NAMED_SHARE = 0.3
"""Of the page's prose, what all regions have together that only their class or id tells: names say how a page looks,
and a restaurant's menu is no menu."""

MIN_MAIN_SHARE = 0.5
"""Of the prose that is left, what a `<main>` or the only `<article>` must have to be taken alone."""

MIN_KEPT_SHARE = 0.25
"""Of the page's prose; when less is left, nothing is left out."""

MENU_LINKS = 5
MENU_LINK_CHARACTERS = 30
"""A region of at least so many links, with hardly a word between them and on average at most so long, is a menu."""

MENU_SHARE = 0.3
"""Of the page's prose that a menu may be as long as: where there is less prose, the links are the content."""

MAX_MAINS = 20
"""So many `<main>`s of a page are compared; it should have one."""


def content(page: Seen) -> list[Piece]:
    """The pieces of the page's content, or all of them."""
    whole, regions = page.regions[0], page.regions[1:]
    aside = _outermost([one for one in regions if _is_aside(one) or _is_menu(one, whole)])
    left = _prose(whole, aside)
    named = [one for one in regions if _names(one) & _NAMES and one.prose <= MAX_NAMED_SHARE * left]
    both = _outermost(sorted((*aside, *named), key=lambda one: (one.start, -one.end)))
    if _prose(whole, both) >= (1 - MAX_NAMED_SHARE) * left:
        aside = both
    main = _main(page, aside)
    if _prose(main, aside) < MIN_KEPT_SHARE * whole.prose:
        return page.pieces
    kept = _without(page, main, aside)
    return kept if any(isinstance(piece, str) and piece.strip() for piece in kept) else page.pieces


def _is_aside(region: Region) -> bool:
    return (
        region.tag in _ALWAYS_ASIDE
        or (region.tag in _ASIDE and not region.inside and not _is_part(region))
        or bool(region.words & _ROLES)
        or bool(_names(region) & _CONSENT)
    )


def _is_part(region: Region) -> bool:
    """Whether the head or a note of a document that has no element around its content."""
    return region.ids >= _HEAD_IDS or any(word.startswith(_NOTE_ROLE) for word in region.words)


def _names(region: Region) -> frozenset[str]:
    """The words that tell what a region is; not those of an id that is the address of a section."""
    if region.tag not in ("section", "div"):
        return region.words | region.ids
    is_headed = region.heading and (region.tag == "section" or region.ids <= set(_WORD.findall(region.heading.lower())))
    return region.words if region.inside or is_headed else region.words | region.ids


def _is_menu(region: Region, whole: Region) -> bool:
    return (
        not region.inside
        and region.links >= MENU_LINKS
        and region.prose * 10 <= region.linked <= region.links * MENU_LINK_CHARACTERS
        and region.linked <= MENU_SHARE * whole.prose
    )


def _main(page: Seen, aside: Sequence[Region]) -> Region:
    """The element that says it is the content, when it holds most of it, else the page."""
    whole = page.regions[0]
    mains = [one for one in page.regions if one.tag == "main" or "role=main" in one.words]
    articles = [one for one in page.regions if one.tag == "article" and not one.inside]
    found = mains or (articles if len(articles) == 1 else [])
    main = max(found[:MAX_MAINS], key=lambda one: _prose(one, aside), default=whole)
    return main if _prose(main, aside) >= MIN_MAIN_SHARE * _prose(whole, aside) else whole


def _outermost(regions: Sequence[Region]) -> list[Region]:
    """Those that lie in no other; `regions` come in the order in which they begin."""
    found: list[Region] = []
    for region in regions:
        if not found or region.start >= found[-1].end:
            found.append(region)
    return found


def _prose(region: Region, aside: Sequence[Region]) -> int:
    """Characters of a region that are neither links nor in a region left out."""
    return region.prose - sum(one.prose for one in aside if region.start <= one.start and one.end <= region.end)


def _without(page: Seen, main: Region, aside: Sequence[Region]) -> list[Piece]:
    kept: list[Piece] = []
    start = main.start
    for one in aside:
        if main.start <= one.start and one.end <= main.end:
            kept.extend(page.pieces[start : one.start])
            start = one.end
    kept.extend(page.pieces[start : main.end])
    return kept
