"""What documents are estimated to cost before they are read."""

from __future__ import annotations

from rota.documents.group import LINES_TOKENS
from rota.planning.sizes import tokens_of
from rota.records import DocumentInfo


def document(media_type: str) -> DocumentInfo:
    """A document that is called like code."""
    return DocumentInfo(number=1, title="boats.py", origin="request", media_type=media_type, bytes=900, characters=900)


def test_only_code_is_told_its_lines() -> None:
    """A page that is called like a file has none, as in the batch that it will lie in."""
    code, page = tokens_of([document("text/plain")]), tokens_of([document("text/html")])
    assert code == page + LINES_TOKENS
