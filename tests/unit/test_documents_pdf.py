"""What a PDF holds besides plain lines: words cut at a line's end, and forms."""

from __future__ import annotations

import pytest

from rota.documents.reading.read import read_document
from tests.fixtures import pdfs


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("the infor-", "mation is"), "the information is"),
        (("use --dry-", "run here"), "use --dry-run here"),
        (("a COVID-", "19 case"), "a COVID-19 case"),
        (("the state-of-the-", "art tool"), "the state-of-the-art tool"),
        (("an \\(e-", "mail"), "an (e-mail"),
        (("the NATO-", "led force"), "the NATO-led force"),
        (("in Baden-", "Baden now"), "in Baden-Baden now"),
    ],
)
def test_hyphens_at_the_end_of_a_line(lines: tuple[str, ...], text: str) -> None:
    """A word that was cut is whole again; names, numbers, options and compounds keep theirs."""
    assert read_document(pdfs.document(pdfs.text(*lines)), "a.pdf").text == text


@pytest.mark.parametrize("has_appearance", [True, False])
def test_values_of_a_form_are_read(has_appearance: bool) -> None:
    """Those that were typed in, whether or not the program that wrote them drew them too."""
    appearance = b"/AP << /N 6 0 R >>" if has_appearance else b""
    resources = b"/Resources << /Font << /F1 5 0 R >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] %b /Contents 7 0 R /Annots [4 0 R] >>"
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ada Lovelace) /F 4 /P 3 0 R /Rect [20 100 200 120]"
        b" /DA (/F1 12 Tf 0 g) %b >>"
    )
    form = b"<< /Fields [4 0 R] /DR << /Font << /F1 5 0 R >> >> /DA (/F1 12 Tf 0 g) >>"
    data = pdfs.file(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm %b >>" % form,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page % resources,
            field % appearance,
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            pdfs.stream(
                b"BT /F1 12 Tf 2 4 Td (Ada Lovelace) Tj ET",
                b"/Type /XObject /Subtype /Form /BBox [0 0 180 20] " + resources,
            ),
            pdfs.stream(pdfs.text("Name of the applicant")),
        ]
    )
    assert read_document(data, "a.pdf").text.split() == ["Name", "of", "the", "applicant", "Ada", "Lovelace"]
