"""A search of the caller's own documents: BM25 over an index that lives as long as one call.

Texts are indexed and not kept, so memory stays bounded however many documents there are; the index itself is written
to a temporary folder, about half as large as the texts.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import tantivy

from rota.documents.search.fusion import fuse
from rota.documents.search.words import telling_words

HEAP_BYTES = 30_000_000
"""What the engine gathers before it writes a part of the index; it takes no less than 15 MB for its one thread."""

COMMIT_CHARACTERS = 8_000_000
"""Text that may wait for the engine, which otherwise queues up to 10,000 documents of whatever size."""

DEPTH = 100
"""How many documents of each query are ranked at least, so that fusion sees what several queries have in common."""

QUERY_CHARACTERS, QUERY_WORDS = 2000, 32
"""How much of a query counts."""

TITLE_BOOST = 2.0
"""A word in a title says more about a document than the same word in its text."""

_FIELDS = {"title": TITLE_BOOST, "text": 1.0}
_ANALYSES = ("plain", "english")
_MAX_TERM_BYTES = 100
_MARKS = re.compile(r"[\u0300-\u036f]+")
# Thai, Lao, Burmese, Khmer; Japanese, Chinese, Korean.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]{2,}"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found. `score` is comparable within one call only; `rank` counts from 1."""

    id: int
    score: float
    rank: int


def best_documents(documents: Iterable[tuple[int, str, str]], queries: Sequence[str], most: int) -> list[Hit]:
    """The `most` documents that fit the queries best; fewer when fewer have any of their words.

    `documents` are (id, title, text), of which one at a time is looked at; ids are integers of 64 bits, each once.
    Each query ranks the documents, and the rankings are fused. Queries are words, never a language: no sign in them
    is special, and one without a word is passed over. Without any word the documents are not even read.
    """
    worded = [words for query in queries if (words := telling_words(_readable(query[:QUERY_CHARACTERS]), QUERY_WORDS))]
    if not worded:
        return []
    with tempfile.TemporaryDirectory(prefix="rota-search-") as folder:
        index = _index(documents, folder)
        ranked = fuse(_ranking(index, words, max(DEPTH, most)) for words in worded)
    return [Hit(number, score, rank) for rank, (number, score) in enumerate(ranked[:most], start=1)]


def _index(documents: Iterable[tuple[int, str, str]], folder: str) -> tantivy.Index:
    index = tantivy.Index(_schema(), path=folder)
    index.config_reader(reload_policy="manual")  # by default a thread reads the index anew after each commit
    for analysis in _ANALYSES:
        index.register_tokenizer(analysis, _analyzer(analysis))
    writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
    try:
        _write(documents, writer)
    finally:
        # Ends its threads, also when the documents fail midway: an error keeps the writer alive for as long as itself.
        writer.wait_merging_threads()
    index.reload()
    return index


def _write(documents: Iterable[tuple[int, str, str]], writer: tantivy.IndexWriter) -> None:
    waiting = 0
    for number, title, text in documents:
        document = tantivy.Document()
        document.add_integer("id", number)
        for field, value in (("title", _readable(title)), ("text", _readable(text))):
            for analysis in _ANALYSES:
                document.add_text(f"{field}_{analysis}", value)
            waiting += len(value)
        writer.add_document(document)
        if waiting > COMMIT_CHARACTERS:
            writer.commit()
            waiting = 0
    writer.commit()


def _ranking(index: tantivy.Index, words: Sequence[str], depth: int) -> list[int]:
    """Ids, best first; equals by id, because the engine has its parts in no fixed order."""
    searcher = index.searcher()
    hits = searcher.search(_query(index.schema, words), limit=depth, count=False).hits
    numbers = searcher.fast_field_values("id", [address for _, address in hits])
    scored = [(-score, int(number)) for (score, _), number in zip(hits, numbers, strict=True) if number is not None]
    return [number for _, number in sorted(scored)]


def _query(schema: tantivy.Schema, words: Sequence[str]) -> tantivy.Query:
    """Any of the words in any field: built of terms, so that nothing of it is parsed."""
    parts = []
    for analysis in _ANALYSES:
        for term in dict.fromkeys(_analyzer(analysis).analyze(" ".join(words))):
            for field, boost in _FIELDS.items():
                query = tantivy.Query.term_query(schema, f"{field}_{analysis}", term, index_option="freq")
                parts.append((tantivy.Occur.Should, tantivy.Query.boost_query(query, boost)))
    return tantivy.Query.boolean_query(parts)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder().add_integer_field("id", fast=True)
    for field in _FIELDS:
        for analysis in _ANALYSES:
            builder.add_text_field(f"{field}_{analysis}", tokenizer_name=analysis, index_option="freq")
    return builder.build()


def _analyzer(analysis: str) -> tantivy.TextAnalyzer:
    """Words without case and accents; for `english` those of ASCII alone, and without their endings."""
    kept = tantivy.Filter.remove_long(_MAX_TERM_BYTES)
    filters = [kept, tantivy.Filter.ascii_fold(), tantivy.Filter.lowercase()]
    if analysis == "english":
        filters += [tantivy.Filter.alphanum_only(), tantivy.Filter.stemmer("english")]
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    for each in filters:
        builder = builder.filter(each)
    return builder.build()


def _readable(text: str) -> str:
    """Text as the engine can split it: valid UTF-8, pairs of signs where words are not set apart by spaces.

    Accents that are signs of their own are dropped; `unicodedata` would compose them, but a long run of them takes it
    quadratic time.
    """
    if text.isascii():
        return text
    valid = text.encode("utf-8", "replace").decode()
    return _UNSPACED.sub(lambda run: _pairs(run.group()), _MARKS.sub("", valid))


def _pairs(run: str) -> str:
    return f" {' '.join(run[at : at + 2] for at in range(len(run) - 1))} "
