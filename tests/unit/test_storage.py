"""S3: the layout of a job's files, and what a missing, large or unreadable object turns into. On moto."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from rota.errors import NotFoundError, PayloadTooLargeError, UnreadableDocumentError
from rota.job_files import JobFiles
from rota.records import Answer, Batch, BatchFailure, Document, DocumentList, Notes, Summary
from rota.storage import Bucket, answer_prefix, inbox_prefix, upload_prefix

NAME = "documents"


@pytest.fixture
def files(bucket: Bucket) -> JobFiles:
    """The files of one job."""
    return JobFiles(bucket.s3, NAME, "j-0123456789abcdef")


def test_what_is_written_is_read_back(bucket: Bucket) -> None:
    """Text and JSON keep every character, and carry their media type."""
    bucket.write_json("a.json", {"text": "„Größe“ 漢字 🙂", "n": 1})
    bucket.write_text("a.md", "# Größe\r\n")
    assert bucket.read_json("a.json") == {"text": "„Größe“ 漢字 🙂", "n": 1}
    assert bucket.read_text("a.md") == "# Größe\r\n"
    assert bucket.fetch("a.md", 100).media_type == "text/markdown; charset=utf-8"


def test_half_a_surrogate_pair_can_be_written(bucket: Bucket) -> None:
    """A model's reply that was cut within an emoji does not break the job."""
    bucket.write_json("cut.json", {"text": "good \ud83d"})
    assert bucket.read_json("cut.json") == {"text": "good ?"}


def test_a_missing_object_is_named(bucket: Bucket) -> None:
    """Whoever reads the error knows which key was looked for."""
    for read in (bucket.read_json, bucket.read_text, lambda key: bucket.fetch(key, 10)):
        with pytest.raises(NotFoundError, match=r"no object jobs/x/plan\.json"):
            read("jobs/x/plan.json")
    assert bucket.find_json("jobs/x/plan.json") is None
    assert not bucket.exists("jobs/x/plan.json")


def test_another_fault_is_not_a_missing_object(bucket: Bucket) -> None:
    """A missing bucket is a fault of the installation: it must not look like an unwritten file."""
    nowhere = Bucket(bucket.s3, "no-such-bucket")
    with pytest.raises(ClientError):
        nowhere.find_json("plan.json")
    with pytest.raises(ClientError):
        nowhere.write_json_once("plan.json", {})
    with pytest.raises(ClientError):
        nowhere.fetch("plan.json", 10)


def test_existing_objects_are_found(bucket: Bucket) -> None:
    """`exists` needs no download."""
    bucket.write_json("a.json", 1)
    assert bucket.exists("a.json")


def test_of_two_writers_the_first_wins(bucket: Bucket) -> None:
    """A conditional write never replaces what is there."""
    assert bucket.write_json_once("a.json", {"by": "first"})
    assert not bucket.write_json_once("a.json", {"by": "second"})
    assert bucket.read_json("a.json") == {"by": "first"}


def test_a_large_object_is_refused_before_its_body_is_read(bucket: Bucket) -> None:
    """The size in the reply's header decides; not one byte of the body is taken."""
    body = io.BytesIO(b"x" * 5_000)
    with Stubber(bucket.s3) as stub:
        stub.add_response("get_object", {"Body": StreamingBody(body, 5_000), "ContentLength": 5_000})
        with pytest.raises(PayloadTooLargeError, match=r"5,000 bytes; at most 4,999"):
            bucket.fetch("big.txt", 4_999)
    assert body.closed


@pytest.mark.parametrize(("code", "reason"), [("AccessDenied", "rights"), ("InvalidObjectState", "archived")])
def test_an_object_that_cannot_be_had_is_one_unreadable_document(bucket: Bucket, code: str, reason: str) -> None:
    """An archived or forbidden object is that document's fault, not the job's."""
    with Stubber(bucket.s3) as stub:
        stub.add_client_error("get_object", service_error_code=code)
        with pytest.raises(UnreadableDocumentError, match=reason):
            bucket.fetch("library/a.txt", 10)


def test_listing_goes_through_all_pages(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 gives at most 1,000 keys a page; here it gives four."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")
    for number in range(10):
        bucket.s3.put_object(Bucket=NAME, Key=f"library/{number:04d}.txt", Body=b"12")
    bucket.s3.put_object(Bucket=NAME, Key="other/a.txt", Body=b"")
    listed = list(bucket.objects("library/"))
    assert [found.key for found in listed] == [f"library/{number:04d}.txt" for number in range(10)]
    assert {found.size for found in listed} == {2}


def test_prefixes_of_the_layout() -> None:
    """The places that other parts and policies name."""
    assert upload_prefix("ada", "u-0123456789abcdef") == "uploads/ada/u-0123456789abcdef/"
    assert inbox_prefix("friday") == "inbox/friday/"
    assert answer_prefix("friday") == "answers/friday/"


def test_a_job_has_these_files(files: JobFiles) -> None:
    """Every file of a job comes back as it was put, under the key of the layout."""
    document = Document(number=2, title="a", origin="request", media_type="text/plain", bytes=1, characters=1, text="x")
    listed = DocumentList(documents=[], failed=[])
    batch = Batch(batch_id="b0001", passages=[])
    summary = Summary(batch_id="b0001", text="x [2]", cited=[2], documents=[2])
    notes = Notes(text="x [2]", cited=[2])
    answer = Answer(text="x [2]", cited=[2], sources=[])
    files.put_request({"query": "?"})
    files.put_document(document)
    files.put_document_list(listed)
    files.put_plan({"focus": ["x"], "outline": []})
    files.put_batch(batch)
    assert files.put_summary(summary)
    files.put_failure(BatchFailure(batch_id="b0002", documents=[3], code="x", message="y"))
    files.put_synthesis(notes)
    files.put_answer(answer, "x\n")
    files.put_result({"status": "done"})

    assert files.request() == {"query": "?"}
    assert files.document(2) == document
    assert files.document_list() == files.find_document_list() == listed
    assert files.plan() == files.find_plan() == {"focus": ["x"], "outline": []}
    assert files.batch("b0001") == batch
    assert files.find_summary("b0001") == summary
    assert files.failures() == [{"batch_id": "b0002", "documents": [3], "code": "x", "message": "y"}]
    assert files.synthesis() == notes
    assert files.find_answer() == answer
    assert files.answer_markdown() == "x\n"
    assert files.find_result() == {"status": "done"}
    assert {found.key.removeprefix("jobs/j-0123456789abcdef/") for found in files.bucket.objects("")} == {
        "request.json",
        "documents/2.json",
        "documents.json",
        "plan.json",
        "batches/b0001.json",
        "summaries/b0001.json",
        "failures/b0002.json",
        "synthesis.json",
        "answer.json",
        "answer.md",
        "result.json",
    }


def test_what_is_not_written_yet_is_none(files: JobFiles) -> None:
    """The questions a repeated step asks before it does anything."""
    assert files.find_document_list() is None
    assert files.find_plan() is None
    assert files.find_summary("b0001") is None
    assert files.find_group(1, "g0001") is None
    assert files.find_answer() is None
    assert files.find_result() is None
    assert files.group_ids(1) is None
    assert files.failures() == []


def test_a_second_summary_is_not_kept(files: JobFiles) -> None:
    """Two children of one batch agree on the first one's summary; so do two of a group."""
    for text, kept in (("first", True), ("second", False)):
        assert files.put_summary(Summary(batch_id="b0001", text=text, cited=[], documents=[1])) is kept
        assert files.put_group(1, "g0001", Notes(text=text, cited=[])) is kept
    first = files.find_summary("b0001")
    group = files.find_group(1, "g0001")
    assert first is not None
    assert group is not None
    assert first["text"] == group["text"] == "first"


def test_the_manifest_names_each_batch(files: JobFiles) -> None:
    """JSON Lines, as the Map's reader wants them."""
    files.put_manifest({"b0001": [1, 2], "b0002": [2, 3]})
    assert files.manifest_key == "jobs/j-0123456789abcdef/manifest.jsonl"
    assert files.bucket.read_text(files.manifest_key) == (
        '{"job_id":"j-0123456789abcdef","batch_id":"b0001"}\n{"job_id":"j-0123456789abcdef","batch_id":"b0002"}\n'
    )
    assert files.batch_ids() == ["b0001", "b0002"]
    assert files.documents_by_batch() == {"b0001": [1, 2], "b0002": [2, 3]}


def test_a_level_of_the_synthesis(files: JobFiles) -> None:
    """Its manifest names the groups, and each group finds its texts."""
    key = files.put_level(1, {"g0001": ["a", "b"], "g0002": ["c"]})
    assert key == "jobs/j-0123456789abcdef/synthesis/1.jsonl"
    assert files.bucket.read_text(key).splitlines()[1] == (
        '{"job_id":"j-0123456789abcdef","level":1,"group_id":"g0002"}'
    )
    assert files.group_ids(1) == ["g0001", "g0002"]
    assert files.group_texts(1, "g0001") == ["a", "b"]


def test_an_inbox_gets_its_answer_twice(files: JobFiles) -> None:
    """The latest answer has a fixed name; each job's own stays."""
    files.put_inbox_answer("friday", {"text": "yes"}, "yes\n")
    assert files.bucket.read_text("answers/friday/answer.md") == "yes\n"
    assert files.bucket.read_text("answers/friday/j-0123456789abcdef.md") == "yes\n"
    assert files.bucket.read_json("answers/friday/answer.json") == {"text": "yes"}
