"""Gathering: sources become numbered documents, whatever goes wrong is listed, and a repetition changes nothing."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rota.documents import collection
from rota.documents import gather as gathering
from rota.documents.collection import SKIPPED, Collection
from rota.documents.gather import check_readable
from rota.documents.reading.read import ReadLimits
from rota.documents.sources.fetch import Fetcher
from rota.errors import InvalidInputError, NotFoundError, UnreadableDocumentError
from rota.job_files import JobFiles
from rota.records import DocumentList
from rota.storage import Bucket, Fetched, StoredObject
from tests.fixtures.archives import PACKERS, tarred, zipped
from tests.fixtures.files import HTML, PNG, pdf
from tests.fixtures.page_server import Page, PageServer

NAME = "documents"


@pytest.fixture
def files(bucket: Bucket) -> JobFiles:
    """The files of a job in an empty bucket."""
    return JobFiles(bucket.s3, NAME, "j-0123456789abcdef")


def put(files: JobFiles, objects: dict[str, bytes]) -> None:
    """Lay objects into the bucket."""
    for key, data in objects.items():
        files.bucket.s3.put_object(Bucket=NAME, Key=key, Body=data)


def ask(files: JobFiles, *sources: dict[str, Any], **options: Any) -> None:
    """Write the job's request."""
    files.put_request({"query": "?", "owner": "ada", "origin": "api", "sources": list(sources), "options": options})


LIBRARY = {"type": "s3", "prefix": "library/"}


def gather(files: JobFiles, limits: ReadLimits | None = None, hosts: Sequence[str] = ()) -> DocumentList:
    """Gather in one go."""
    fetcher = Fetcher(files.bucket, limits or ReadLimits(), hosts)
    gathered = gathering.gather(files, fetcher, lambda: True)
    assert gathered is not None
    return gathered


def a_mail(**attached: bytes) -> bytes:
    """With files named by their words, and a picture that belongs to a signature."""
    message = EmailMessage()
    message["Subject"] = "Ferry times"
    message.set_content("See the plan.")
    for name, data in attached.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name.replace("_", "."))
    message.add_attachment(PNG, maintype="image", subtype="png", filename="logo.png")
    return message.as_bytes()


def test_what_came_with_a_mail_is_read_like_other_files(files: JobFiles) -> None:
    """Each below its mail, in order; a mail that was passed on is read, and what came with that is only named."""
    inner = a_mail(deep_txt=b"not this")
    outer = a_mail(plan_pdf=pdf("Leaves at ten"), table_csv=b"a;b", packed_zip=zipped({"a.md": b"x"}), told_eml=inner)
    put(files, {"library/1.eml": outer, "library/2.md": b"after it"})
    ask(files, LIBRARY)
    found = gather(files)
    titles = ["1.eml", "1.eml/plan.pdf", "1.eml/table.csv", "1.eml/told.eml", "2.md"]
    assert [one["title"] for one in found["documents"]] == titles
    assert [(one["title"], "which is not read" in one["reason"]) for one in found["failed"]] == [
        ("1.eml/packed.zip", True)
    ]
    assert "[attachment: logo.png]" in files.document(1)["text"]
    assert "Leaves at ten" in files.document(2)["text"]
    assert files.document(2)["origin"] == "library/1.eml!/plan.pdf"


def test_what_came_with_a_mail_counts_and_is_bounded_in_time(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files beyond `max_documents`, and those that come too late, are named."""
    put(files, {"library/1.eml": a_mail(a_txt=b"one", b_txt=b"two")})
    ask(files, LIBRARY, max_documents=2)
    found = gather(files)
    assert [one["title"] for one in found["documents"]] == ["1.eml", "1.eml/a.txt"]
    assert [(one["title"], one["code"]) for one in found["failed"]] == [("1.eml/b.txt", SKIPPED)]
    monkeypatch.setattr(gathering, "ATTACHED_S", -1.0)
    put(files, {"library/2.eml": a_mail(a_txt=b"one")})
    late = JobFiles(files.bucket.s3, NAME, "j-fedcba9876543210")
    ask(late, LIBRARY)
    reasons = [one["reason"] for one in gather(late)["failed"]]
    assert reasons == ["was not read: the files of its mail took longer than -1 s"] * 3


@pytest.mark.parametrize(("most", "said"), [(1, "1 document"), (2, "2 documents")])
def test_how_many_documents_a_job_reads_is_said_in_grammar(files: JobFiles, most: int, said: str) -> None:
    """The reason of each that is left out."""
    put(files, {f"library/{number}.txt": b"%d" % number for number in range(3)})
    ask(files, LIBRARY, max_documents=most)
    reasons = {one["reason"] for one in gather(files)["failed"]}
    assert reasons == {f"was left out: a job of this kind reads {said} (max_documents)"}


def test_every_kind_of_source(files: JobFiles) -> None:
    """Inline text, an upload and a shared prefix, numbered in their order; titles are paths within the source."""
    put(
        files,
        {
            "library/b/page.html": HTML,
            "library/b/scan.pdf": pdf("One page"),
            "uploads/ada/u-0123456789abcdef/src/main.py": b"print('hello')\n",
            "uploads/eve/u-0123456789abcdef/secret.txt": b"of another owner",
        },
    )
    text = {"type": "text", "title": "A  note\n", "text": "Größe\r\n"}
    ask(files, text, {"type": "upload", "upload_id": "u-0123456789abcdef"}, {"type": "s3", "prefix": "library/b/"})
    gathered = gather(files)
    assert gathered["documents"] == [
        {"number": 1, "title": "A note", "origin": "request", "media_type": "text/plain", "bytes": 9, "characters": 5},
        {
            "number": 2,
            "title": "src/main.py",
            "origin": "uploads/ada/u-0123456789abcdef/src/main.py",
            "media_type": "text/plain",
            "bytes": 15,
            "characters": 14,
            "imports": [],
        },
        {
            "number": 3,
            "title": "b/page.html",
            "origin": "library/b/page.html",
            "media_type": "text/html",
            "bytes": len(HTML),
            "characters": len(files.document(3)["text"]),
        },
        {
            "number": 4,
            "title": "b/scan.pdf",
            "origin": "library/b/scan.pdf",
            "media_type": "application/pdf",
            "bytes": len(pdf("One page")),
            "characters": 8,
            "pages": [0],
        },
    ]
    assert (gathered["failed"], gathered["duplicates"]) == ([], [])
    assert [files.document(n)["text"] for n in (1, 2, 4)] == ["Größe", "print('hello')", "One page"]
    assert files.document_list() == gathered


def test_code_is_listed_with_what_it_imports(files: JobFiles) -> None:
    """By its title, wherever it came from; None where that is not known, and prose has no imports at all."""
    put(
        files,
        {
            "library/a.py": b"from .b import c\r\nimport os\r\n",
            "library/b.ts": "import x from './größe'".encode("utf-16"),
            "library/c.rb": b"require 'set'",
            "library/d.py": b"import os\nprint 'Python 2'",
            "library/e.md": b"import os",
            "library/f.py": b"from .b import c\nimport os",
        },
    )
    ask(files, {"type": "text", "title": "src/main.go", "text": 'package main\nimport "fmt"'}, LIBRARY)
    gathered = gather(files)
    assert {one["title"]: one.get("imports", "none") for one in gathered["documents"]} == {
        "src/main.go": ["fmt"],
        "a.py": [".b.c", "os"],
        "b.ts": ["./größe"],
        "c.rb": None,
        "d.py": None,
        "e.md": "none",
    }
    assert files.document(2)["imports"] == [".b.c", "os"]
    assert files.document_list() == gathered


def test_what_cannot_be_read_is_listed_and_the_rest_goes_on(files: JobFiles) -> None:
    """Numbers leave no gap for what failed."""
    put(
        files,
        {
            "library/a.txt": b"good",
            "library/b.png": PNG,
            "library/c.pdf": pdf("Secret", password="hunter2"),
            "library/d.txt": b"good too",
            "library/e.txt": b"",
        },
    )
    ask(files, LIBRARY, {"type": "text", "title": "blank", "text": " \n"})
    gathered = gather(files)
    assert [(one["number"], one["title"]) for one in gathered["documents"]] == [(1, "a.txt"), (2, "d.txt")]
    assert [(one["title"], one["code"], one["reason"]) for one in gathered["failed"]] == [
        ("b.png", "unreadable_document", "is a PNG image, which is not read"),
        ("c.pdf", "unreadable_document", "is protected by a password"),
        ("e.txt", "unreadable_document", "is empty"),
        ("blank", "unreadable_document", "is empty"),
    ]


def test_size_is_judged_before_downloading(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing knows it already; inline text has the same bounds."""
    put(files, {"library/big.txt": b"x" * 101, "library/fits.txt": b"y" * 100})
    ask(files, LIBRARY, {"type": "text", "title": "long", "text": "z" * 200})
    fetched = []
    whole = Bucket.fetch

    def fetch(bucket: Bucket, key: str, max_bytes: int) -> Fetched:
        fetched.append(key)
        return whole(bucket, key, max_bytes)

    monkeypatch.setattr(Bucket, "fetch", fetch)
    gathered = gather(files, ReadLimits(max_bytes=100))
    assert [one["title"] for one in gathered["documents"]] == ["fits.txt"]
    assert [one["title"] for one in gathered["failed"]] == ["big.txt", "long"]
    assert fetched == ["library/fits.txt"]


def test_the_same_text_is_one_document(files: JobFiles) -> None:
    """By content, not by name; the same object named twice is not even a duplicate."""
    put(files, {"library/a.txt": "Größe".encode(), "library/b.txt": "Größe\r\n".encode("utf-16")})
    ask(files, LIBRARY, {"type": "s3", "prefix": "library/a"}, {"type": "text", "title": "c", "text": "Größe"})
    gathered = gather(files)
    assert [one["title"] for one in gathered["documents"]] == ["a.txt"]
    assert gathered["duplicates"] == [
        {"title": "b.txt", "origin": "library/b.txt", "number": 1},
        {"title": "c", "origin": "request", "number": 1},
    ]


def test_two_texts_may_share_a_title(files: JobFiles) -> None:
    """Only objects have an identity of their own."""
    ask(files, *({"type": "text", "title": "note", "text": text} for text in ("one", "two")))
    assert [one["number"] for one in gather(files)["documents"]] == [1, 2]


@pytest.mark.parametrize(
    ("prefix", "titles", "passed_over"),
    [
        ("library/", ["repo.md", "repo/.github/a.md", "repo/b.md", "repo/vendor/d.js"], 4),
        ("library/repo", ["repo.md", "repo/.github/a.md", "repo/b.md", "repo/vendor/d.js"], 2),
        ("library/repo/", ["repo/.github/a.md", "repo/b.md"], 3),
        ("library/repo/.git/", ["repo/.git/c"], 0),
        ("library/repo/.env", ["repo/.env"], 0),
    ],
)
def test_hidden_and_built_files_below_a_prefix_are_left_out(
    files: JobFiles, prefix: str, titles: list[str], passed_over: int
) -> None:
    """A folder that was copied as it lay there; what the prefix itself names is meant. They are counted."""
    keys = ["repo.md", "repo/.env", "repo/.git/c", "repo/.github/a.md", "repo/b.md", "repo/vendor/d.js", "Thumbs.db"]
    put(files, {f"library/{key}": key.encode() for key in (*keys, "node_modules/e/")})
    put(files, {"library/node_modules/e.js": b"e"})
    ask(files, {"type": "s3", "prefix": prefix}, {"type": "s3", "prefix": prefix})
    gathered = gather(files)
    assert ([one["title"] for one in gathered["documents"]], gathered["failed"]) == (titles, [])
    expected = [{"title": prefix, "origin": prefix, "files": passed_over, "reason": "hidden, built or vendored"}]
    assert gathered.get("passed_over", []) == (expected if passed_over else [])


def test_a_prefix_with_nothing_else_says_so(files: JobFiles) -> None:
    """Or it would look empty."""
    put(files, {"library/.git/a": b"a", "library/.git/b": b"b"})
    ask(files, LIBRARY)
    with pytest.raises(
        NotFoundError, match=r"in library/, apart from files that are hidden, built or vendored \(2\)\."
    ):
        gather(files)


def test_what_is_passed_over_in_archives_is_counted_apart(files: JobFiles) -> None:
    """Also when several invocations share the work; it does not count as documents."""
    noise = {".git/config": b"x", "node_modules/a/b.js": b"x"}
    put(files, {"library/a.zip": zipped({"a.py": b"a", **noise, "src/build/b.py": b"b"}), "library/b.md": b"text"})
    put(
        files,
        {"library/c.tar.gz": PACKERS["gz"](tarred({**noise, "target/d": b"d", "c.md": b"c"})), "library/.env": b"x"},
    )
    ask(files, LIBRARY)
    whole = gather(files)
    assert [one["title"] for one in whole["documents"]] == [
        "a.zip/a.py",
        "a.zip/src/build/b.py",
        "b.md",
        "c.tar.gz/c.md",
    ]
    assert whole["failed"] == []
    reason = "hidden, built or vendored"
    assert whole["passed_over"] == [
        {"title": "a.zip", "origin": "library/a.zip", "files": 2, "reason": reason},
        {"title": "c.tar.gz", "origin": "library/c.tar.gz", "files": 3, "reason": reason},
        {"title": "library/", "origin": "library/", "files": 1, "reason": reason},
    ]
    files.bucket.s3.delete_object(Bucket=NAME, Key=files.key("documents.json"))
    rounds = [gathering.gather(files, Fetcher(files.bucket), lambda: False) for _ in range(7)]
    assert rounds[0] is None
    assert rounds[-1] == whole


def test_of_many_sources_with_such_files_some_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus may hold thousands of archives, each with a file that a system left there."""
    monkeypatch.setattr(collection, "LISTED_AS_PASSED_OVER", 2)
    found = Collection()
    for name in ("a", "b", "c", "d"):
        found.pass_over(name, f"library/{name}", 3)
    assert [(one["title"], one["files"]) for one in found.passed_over] == [("a", 3), ("further sources", 9)]


def test_an_upload_is_taken_as_it_was_sent(files: JobFiles) -> None:
    """Its files were named one by one; what a system leaves in folders nobody names."""
    put(files, {f"uploads/ada/u-1/{key}": key.encode() for key in ("build/.notes", "a/.DS_Store")})
    ask(files, {"type": "upload", "upload_id": "u-1"})
    gathered = gather(files)
    assert ([one["title"] for one in gathered["documents"]], gathered["failed"]) == (["build/.notes"], [])


def test_an_inbox_reads_the_files_of_its_generation(files: JobFiles) -> None:
    """Not the question, not what came later, and a file that was taken away is listed."""
    put(
        files,
        {
            "inbox/friday/a.txt": b"one",
            "inbox/friday/sub/question.txt": b"a document of that name",
            "inbox/friday/question.txt": b"Why?",
            "inbox/friday/later.txt": b"of the next job",
            "inbox/friday/.DS_Store": b"junk",
            "inbox/friday/.git/a": b"junk",
            "inbox/monday/x.txt": b"of another inbox",
        },
    )
    keys = [
        *("inbox/friday/sub/question.txt", "inbox/friday/a.txt", "inbox/friday/question.txt"),
        *("inbox/friday/gone.txt", "inbox/friday/.DS_Store", "inbox/friday/.git/a", "inbox/monday/x.txt"),
    ]
    ask(files, {"type": "inbox", "name": "friday", "keys": keys})
    gathered = gather(files)
    assert [(one["title"], one["files"]) for one in gathered["passed_over"]] == [("inbox/friday/", 2)]
    assert [one["title"] for one in gathered["documents"]] == ["a.txt", "sub/question.txt"]
    assert [(one["title"], one["code"], one["reason"]) for one in gathered["failed"]] == [
        ("gone.txt", "not_found", "is not there any more")
    ]


def test_a_project_dropped_into_an_inbox_is_read_without_what_it_has_built(files: JobFiles) -> None:
    """Its folder is all that lies there, beside the question; packages of such names are read."""
    keys = [f"inbox/review/{name}" for name in ("question.txt", "shop/dist/a.js", "shop/src/build/b.py", "shop/c.py")]
    put(files, {key: key.encode() for key in keys})
    ask(files, {"type": "inbox", "name": "review", "keys": keys})
    gathered = gather(files)
    assert [one["title"] for one in gathered["documents"]] == ["shop/c.py", "shop/src/build/b.py"]
    assert [one["files"] for one in gathered["passed_over"]] == [1]


def test_more_than_asked_for_is_listed_as_skipped(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of a corpus without end only a part of the rest is named."""
    put(files, {f"library/{n:02d}.txt": str(n).encode() for n in range(10)})
    ask(files, LIBRARY, max_documents=3)
    monkeypatch.setattr(collection, "LISTED_AS_SKIPPED", 4)
    gathered = gather(files)
    assert gathered["left_out"] == 3
    assert [one["title"] for one in gathered["documents"]] == ["00.txt", "01.txt", "02.txt"]
    assert [(one["title"], one["code"]) for one in gathered["failed"]] == [(f"0{n}.txt", SKIPPED) for n in range(3, 7)]
    assert "reads 3 documents" in gathered["failed"][0]["reason"]


def test_a_repetition_gives_the_same_numbers(files: JobFiles) -> None:
    """A run that was killed before its end is done again: same files, same numbers, whichever is read first."""
    put(files, {f"library/{n:02d}.txt": (b"" if n % 7 == 3 else b"%d" % (n % 20)) for n in range(40)})
    ask(files, LIBRARY)
    first = gather(files)
    files.bucket.s3.delete_object(Bucket=NAME, Key=files.key("documents.json"))
    assert gather(files) == first
    assert [one["number"] for one in first["documents"]] == list(range(1, len(first["documents"]) + 1))


def test_a_gathered_job_keeps_its_documents(files: JobFiles) -> None:
    """What is added to the prefix later belongs to later jobs."""
    put(files, {"library/a.txt": b"one"})
    ask(files, LIBRARY)
    first = gather(files)
    put(files, {"library/0.txt": b"before a"})
    assert gather(files) == first


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (LIBRARY, "library/"),
        ({"type": "upload", "upload_id": "u-1"}, "uploads/ada/u-1/"),
        ({"type": "inbox", "name": "x", "keys": []}, "inbox/x/"),
    ],
)
def test_nothing_found_says_where(files: JobFiles, source: dict[str, Any], place: str) -> None:
    """Folders made by consoles are no documents."""
    put(files, {"library/folder/": b""})
    ask(files, source)
    with pytest.raises(NotFoundError, match=f"There are no documents in {place}"):
        gather(files)
    assert files.find_document_list() is None


@pytest.mark.parametrize(
    "source",
    [
        {"type": "s3", "prefix": "jobs/"},
        {"type": "s3", "prefix": ""},
        {"type": "upload", "upload_id": "../eve/u-1"},
        {"type": "upload", "upload_id": ""},
        {"type": "inbox", "name": "a/b", "keys": []},
        {},
    ],
)
def test_no_source_leads_out_of_its_place(files: JobFiles, source: dict[str, Any]) -> None:
    """The API has checked this; whoever starts the workflow by hand has not."""
    put(files, {"jobs/j-other/answer.md": b"private", "uploads/eve/u-1/a.txt": b"private"})
    ask(files, source)
    with pytest.raises(InvalidInputError, match="sources"):
        gather(files)


def test_none_readable_names_some_reasons(files: JobFiles) -> None:
    """A clear sentence, not a list without end."""
    put(files, {f"library/{n}.png": PNG for n in range(7)})
    ask(files, LIBRARY)
    gathered = gather(files)
    with pytest.raises(UnreadableDocumentError) as caught:
        check_readable(gathered)
    assert str(caught.value).startswith("Not one document can be read: 0.png is a PNG image, which is not read; ")
    assert str(caught.value).endswith("; and 2 more.")


def test_a_fault_of_the_store_is_raised(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may pass: the workflow repeats the step, instead of listing every document as unreadable."""
    put(files, {"library/a.txt": b"one"})
    ask(files, LIBRARY)

    def fetch(*_: object) -> Fetched:
        raise ClientError({"Error": {"Code": "SlowDown"}}, "GetObject")

    monkeypatch.setattr(Bucket, "fetch", fetch)
    with pytest.raises(ClientError):
        gather(files)
    assert files.find_document_list() is None


def test_memory_holds_only_a_few_documents(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading runs ahead of numbering by a bounded number of documents."""
    put(files, {f"library/{n:03d}.txt": b"%d" % n for n in range(60)})
    ask(files, LIBRARY)
    begun: list[str] = []
    whole = Bucket.fetch
    ahead: list[int] = []

    def fetch(bucket: Bucket, key: str, max_bytes: int) -> Fetched:
        begun.append(key)
        return whole(bucket, key, max_bytes)

    accept = Collection.accept

    def accepted(found: Any, *arguments: Any) -> Any:
        ahead.append(len(begun) - len(found.documents))
        return accept(found, *arguments)

    monkeypatch.setattr(Bucket, "fetch", fetch)
    monkeypatch.setattr(Collection, "accept", accepted)
    gather(files)
    assert len(begun) == 60
    assert max(ahead) <= gathering.READERS + 1


def test_what_one_invocation_does_not_manage_the_next_ones_do(files: JobFiles) -> None:
    """Stopped after every file and in the middle of an archive: the same documents under the same numbers."""
    put(files, {f"library/{n}.txt": b"%d" % (n % 5) for n in range(7)})
    put(files, {"library/code.zip": zipped({f"{n}.py": b"import m%d" % n for n in range(4)}), "library/z.png": PNG})
    ask(files, LIBRARY, max_documents=12)
    whole = gather(files)
    files.bucket.s3.delete_object(Bucket=NAME, Key=files.key("documents.json"))
    fetcher = Fetcher(files.bucket)
    rounds = [gathering.gather(files, fetcher, lambda: False) for _ in range(14)]
    assert rounds[9] is None
    assert rounds[-1] == whole
    assert [files.document(n)["text"] for n in (1, 5)] == ["0", "4"]


def test_an_archive_is_read_as_its_files(files: JobFiles) -> None:
    """Titles are paths below the archive's; what is refused is listed as if it lay there."""
    packed = zipped({"app/main.py": b"from app import store", "app/store.py": b"import sqlite3", "../out.txt": b"?"})
    put(files, {"library/shop.zip": packed, "library/broken.zip": b"PK\x03\x04" + bytes(40)})
    ask(files, LIBRARY)
    gathered = gather(files)
    assert [(one["title"], one["imports"]) for one in gathered["documents"]] == [
        ("shop.zip/app/main.py", ["app.store"]),
        ("shop.zip/app/store.py", ["sqlite3"]),
    ]
    assert gathered["documents"][0]["origin"] == "library/shop.zip!/app/main.py"
    assert [one["title"] for one in gathered["failed"]] == ["broken.zip", "shop.zip/../out.txt"]


def test_a_page_is_fetched_and_called_by_its_title(files: JobFiles) -> None:
    """Its address is the origin; an archive on the web is its files; a private place is refused."""
    with PageServer() as server:
        server.put({"/mill": HTML})
        server.pages["/code.zip"] = Page(zipped({"a.py": b"import os"}), "application/zip")
        addresses = [server.url("/mill"), server.url("/code.zip"), "http://169.254.169.254/latest/"]
        ask(files, *({"type": "url", "url": url} for url in addresses))
        gathered = gather(files, hosts=[server.host])
        assert [one["origin"] for one in gathered["documents"]] == [addresses[0], f"{addresses[1]}!/a.py"]
    assert gathered["documents"][0]["title"] == "Quotas"
    assert "private address" in gathered["failed"][0]["reason"]


def test_a_page_is_no_code_and_a_page_in_an_archive_keeps_its_path(files: JobFiles) -> None:
    """Whatever address it has, and whatever it calls itself."""
    with PageServer() as server:
        server.pages["/site.zip"] = Page(zipped({"a/mill.html": HTML + b"<!-- 1 -->"}), "application/zip")
        server.put({"/viewtopic.php": "<html><body><p>The mill stands still.</p></body></html>"})
        ask(files, *({"type": "url", "url": server.url(path)} for path in ("/site.zip", "/viewtopic.php")))
        found = gather(files, hosts=[server.host])["documents"]
        assert [one["title"] for one in found] == [
            f"{server.host}/site.zip/a/mill.html",
            f"{server.host}/viewtopic.php",
        ]
    assert not any("imports" in one for one in found)


def test_a_listing_is_not_held_in_memory(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100,000 keys those beyond the limit are counted as they pass."""
    put(files, {f"library/{n}.txt": b"%d" % n for n in range(3)})
    ask(files, LIBRARY, max_documents=2)
    alive: weakref.WeakSet[StoredObject] = weakref.WeakSet()
    most = 0

    def objects(bucket: Bucket, prefix: str) -> Iterator[StoredObject]:
        nonlocal most
        for n in range(100_000):
            one = Listed(f"library/{n}.txt", 1)
            alive.add(one)
            most = max(most, len(alive)) if n % 1000 == 0 else most
            yield one
            del one

    class Listed(StoredObject):
        """An entry that can be counted while it lives."""

    monkeypatch.setattr(Bucket, "objects", objects)
    gathered = gather(files)
    assert (len(gathered["documents"]), gathered["left_out"]) == (2, 100_000 - 2 - 1000)
    assert most < 50
