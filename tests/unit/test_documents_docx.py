"""Word documents: what is around the text, and in it under names of its own."""

from __future__ import annotations

import io
import zipfile

import pytest

from rota.documents.reading.read import read_document
from tests.fixtures.docx import docx

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'


def _run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def _math(text: str) -> str:
    return f"<m:r><m:rPr><m:sty m:val='p'/></m:rPr><w:rPr/><m:t>{text}</m:t></m:r>"


def test_comments_are_read() -> None:
    """They stand at the end, and a mark where they belong."""
    body = f'<w:p>{_run("Body")}<w:r><w:commentReference w:id="0"/></w:r>{_run(" goes on.")}</w:p>'
    comment = f'<w:comment w:id="0" w:author="Ada" w:initials="AL"><w:p>{_run("Is this so?")}</w:p></w:comment>'
    written = io.BytesIO(docx(body))
    with zipfile.ZipFile(written, "a") as parts:
        parts.writestr("word/comments.xml", f"<w:comments {_W}>{comment}</w:comments>")
    text = read_document(written.getvalue(), "a.docx").text
    assert text.startswith("Body[AL1] goes on.\n\nComment [AL1]\n\nIs this so?")


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        (f'<w:fldSimple w:instr=" REF x ">{_run("page 5")}</w:fldSimple>', "page 5"),
        (f'<w:dir w:val="rtl"><w:bdo w:val="rtl">{_run("page 5")}</w:bdo></w:dir><w:fldSimple/>', "page 5"),
        (_run("&lt;w:dir&gt; &lt;m:t&gt;"), "<w:dir> <m:t>"),
        (f"<m:oMathPara {_M}><m:oMath>{_math('E=m')}</m:oMath></m:oMathPara>", "E=m"),
        (
            f"<m:oMath {_M}><m:f><m:num>{_math('1')}</m:num><m:den>{_math('2')}</m:den></m:f><m:sSup>"
            f"<m:e>{_math('v')}</m:e><m:sup>{_math('2')}</m:sup></m:sSup><m:sup/></m:oMath>",
            "(1)/(2)v^(2)",
        ),
    ],
)
def test_text_in_elements_that_mammoth_leaves_out(inside: str, text: str) -> None:
    """Fields, text of a direction, and equations in a row; what only looks like a tag stays."""
    assert read_document(docx(f"<w:p>{_run('a ')}{inside}{_run(' z')}</w:p>"), "a.docx").text == f"a {text} z"
