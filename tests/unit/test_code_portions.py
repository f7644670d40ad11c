"""Code in portions: as large as the models they are aimed at take, complex code in the larger ones."""

from __future__ import annotations

from rota.documents.code.portions import portions
from rota.documents.code.weigh import JobCode
from rota.records import DocumentInfo


def info(number: int, title: str, imports: list[str] | None, total_bytes: int = 3300) -> DocumentInfo:
    """A gathered source file of 3,300 characters, which are about 1,040 tokens."""
    return DocumentInfo(
        number=number,
        title=title,
        origin="request",
        media_type="text/plain",
        bytes=total_bytes,
        characters=3300,
        imports=imports,
    )


CLOSE = [info(n, f"close/m{n}.py", [f"close.m{other}" for other in range(1, 21) if other != n]) for n in range(1, 21)]
"""Each imports all others."""
LOOSE = [info(n, f"loose/m{n}.py", []) for n in range(21, 41)]


def sizes(documents: list[DocumentInfo], small: int, large: int) -> list[tuple[str, int, int]]:
    """Folder, number of files and size of batches of each portion, where complex code may have `large` batches."""
    code = JobCode.of(documents)
    found = portions(documents, code, lambda score: large if score is not None and score > 0.7 else small)
    assert sorted(number for portion in found for number in portion.numbers) == sorted(code.files)
    return [
        (code.files[portion.numbers[0]].title.split("/")[0], len(portion.numbers), portion.max_tokens)
        for portion in found
    ]


def test_complex_code_comes_in_larger_portions() -> None:
    """What hangs together is merged up to the stronger model's size; what does not stays small."""
    assert sizes(CLOSE + LOOSE, 11_000, 22_000) == [
        ("close", 20, 22_000),
        ("loose", 10, 11_000),
        ("loose", 10, 11_000),
    ]


def test_a_stronger_model_may_take_less() -> None:
    """Then its size is the smallest, and what is not complex grows to the other's."""
    assert sizes(CLOSE + LOOSE, 22_000, 11_000) == [
        ("close", 10, 11_000),
        ("close", 10, 11_000),
        ("loose", 20, 22_000),
    ]


def test_what_is_not_complex_together_stays_in_small_portions() -> None:
    """Two circles of ten, each complex by itself; together they miss the score that asks for the large size."""
    circles = [
        info(n, f"{folder}/m{n}.py", [f"{folder}.m{other}" for other in range(start, start + 10) if other != n])
        for folder, start in (("a", 1), ("b", 11))
        for n in range(start, start + 10)
    ]
    code = JobCode.of(circles)
    apart = code.complexity(range(1, 11), 33_000).score
    together = code.complexity(range(1, 21), 66_000).score
    assert together < apart
    found = portions(circles, code, lambda score: 22_000 if score is not None and score >= apart else 11_000)
    assert [(portion.numbers, portion.max_tokens) for portion in found] == [
        ((1, 10, *range(2, 10)), 11_000),
        (tuple(range(11, 21)), 11_000),
    ]


def test_code_that_was_not_analysed_is_no_more_than_small() -> None:
    """Nothing is known of how it hangs together."""
    assert sizes([info(n, f"a/m{n}.rb", None) for n in range(1, 21)], 11_000, 22_000) == [("a", 10, 11_000)] * 2


def test_letters_of_two_bytes_make_files_larger() -> None:
    """Each costs a token, as far as its bytes tell."""
    documents = [info(n, f"a/m{n}.py", [], 6600) for n in range(1, 5)]
    assert [count for _, count, _ in sizes(documents, 7_000, 7_000)] == [2, 2]


def test_no_code_no_portions() -> None:
    """Prose is packed in another way."""
    prose = [info(1, "a.md", None)]
    assert portions(prose, JobCode.of(prose), lambda _: 1_000) == []
