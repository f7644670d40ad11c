"""Archives give their documents in order, one at a time, and go on where an earlier reading ended."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.sources import archives
from rota.documents.sources.archive_limits import ArchiveLimits
from rota.documents.sources.archives import Member, has_archive_name, is_archive, open_archive
from rota.errors import UnreadableDocumentError
from tests.fixtures.archives import PACKERS, listed, members, raw_zip, tar_entry, tarred, zip_link, zipped

FILES = {"docs/a.md": b"# A", "src/b.py": b"import a\n", "c.txt": b"third"}
LISTED = list(FILES.items())
FORMS = {"a.zip": zipped(FILES), "a.tar": tarred(FILES)} | {
    f"a.tar.{ending}": pack(tarred(FILES)) for ending, pack in PACKERS.items()
}


@pytest.mark.parametrize("name", FORMS)
def test_every_format_gives_its_files_in_order(name: str) -> None:
    """With their paths and bytes, whatever the archive is called."""
    assert is_archive("upload", FORMS[name][:512])
    assert listed(FORMS[name], name) == LISTED
    assert listed(FORMS[name], "upload") == LISTED


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_and_foreign_names_of_every_tar(form: int) -> None:
    """Names longer than a header, by the means of either dialect, and another alphabet."""
    files = {f"{'deep/' * 30}ü.md": b"a", "größe.txt": b"b"}
    assert listed(tarred(files, form), "a.tar") == list(files.items())


def test_names_in_an_old_encoding() -> None:
    """UTF-8 that does not say so, the first encoding of ZIP, and Western European in a tar."""
    unsaid = zipped({"aaaa.txt": b"1"}).replace(b"aaaa", "üé".encode())
    assert listed(unsaid, "a.zip") == [("üé.txt", b"1")]
    assert listed(zipped({"a.txt": b"1"}).replace(b"a.txt", b"\x81.txt"), "a.zip") == [("ü.txt", b"1")]
    assert listed(tarred({"ü.txt": b"1"}, tarfile.USTAR_FORMAT, "latin-1"), "a.tar") == [("ü.txt", b"1")]


@pytest.mark.parametrize("ending", PACKERS)
def test_a_single_packed_file_is_named_without_its_ending(ending: str) -> None:
    """The one member of a stream that is no tar; streams that follow each other are one, and padding is none."""
    pack = PACKERS[ending]
    packed = pack(b"first ") + pack(b"second") + bytes(512)
    assert listed(packed, f"inbox/notes.txt.{ending}") == [("notes.txt", b"first second")]


def test_what_follows_a_stream_is_not_part_of_it() -> None:
    """As gzip itself has it."""
    assert listed(gzip.compress(b"text") + b"garbage", "a.txt.gz") == [("a.txt", b"text")]


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("a.zip", b"", True),
        ("A.TAR.GZ", b"text", True),
        ("a", b"PK\x05\x06", True),
        ("a.docx", b"PK\x03\x04", False),
        ("a.unknown", b"PK\x03\x04", True),
        ("a.bz2.txt", b"BZh is how bzip2 begins", False),
        ("notes.txt", b"plain", False),
        ("zip", b"", False),
    ],
)
def test_archives_are_known_by_their_start_and_then_by_name(name: str, start: bytes, expected: bool) -> None:
    """A few letters of text are no archive, and an office document is none although it begins like one."""
    assert is_archive(name, start) is expected


def test_a_name_alone_tells_an_archive() -> None:
    """For files whose bytes are not there yet."""
    assert all(map(has_archive_name, [*FORMS, "A.TGZ", "notes.txt.bz2"]))
    assert not any(map(has_archive_name, ["a.md", "zip", "a.docx", "a.tar/b.md", ""]))


def test_a_file_of_that_name_makes_no_office_document() -> None:
    """Where a media type is written it comes first."""
    files = {"a.md": b"a", "mimetype": b"x"}
    assert listed(zipped(files), "a.zip") == list(files.items())


@pytest.mark.parametrize("marker", ["[Content_Types].xml", "mimetype"])
def test_an_office_document_is_no_archive(marker: str) -> None:
    """Whatever it is called; within an archive it is a member like others."""
    document = zipped({marker: b"x", "content.xml": b"<p/>"})
    assert open_archive(io.BytesIO(document), "report") is None
    assert listed(zipped({"report.zip": document}), "a.zip") == [("report.zip", document)]


@pytest.mark.parametrize(
    "noise",
    [
        ".git/config",
        "a/.env",
        ".DS_Store",
        "__MACOSX/._a",
        "a/node_modules/b/c.js",
        "x.egg-info/PKG",
        "a/b.PYC",
        "e.so",
        "vendor/b.js",
    ],
)
def test_noise_is_left_out_and_counted(noise: str) -> None:
    """As on the command line: hidden, built and compiled files; folders and what is empty are no loss."""
    files = {"docs/": b"", noise: b"noise", "empty.md": b"", "a.md": b"text"}
    for data in (zipped(files), tarred(files)):
        contents = open_archive(io.BytesIO(data), "a")
        assert contents is not None
        assert list(contents) == [Member("a.md", b"text")]
        assert contents.passed_over == 1


def test_noise_of_archives_within_counts_and_a_continued_reading_counts_all() -> None:
    """However much of it was passed before."""
    inner = tarred({".git/a": b"x", "b.md": b"b", "dist/c.js": b"x"})
    data = zipped({"node_modules/a.js": b"x", "in.tar": inner, "z.md": b"z"})
    for skip in range(3):
        contents = open_archive(io.BytesIO(data), "a.zip", skip=skip)
        assert contents is not None
        assert len(list(contents)) == 2 - skip
        assert contents.passed_over == 3


PROJECT = {
    "src/build/compiler.py": b"def compile(): ...",
    "internal/vendor/vendor.go": b"package vendor",
    "lib/a/target/x.rs": b"fn x() {}",
}
BUILT = {"build/lib/a.py": b"a", "dist/a.js": b"b", "target/debug/a.d": b"c", "vendor/b/b.go": b"d", "out/c.js": b"e"}


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: gzip.compress(tarred(files))])
@pytest.mark.parametrize("folder", ["", "repo-main/"])
def test_packages_are_read_and_what_a_project_has_built_is_not(pack: Callable[..., bytes], folder: str) -> None:
    """At the top of the archive, or of the one folder in it; whatever comes first."""
    for files in (BUILT | PROJECT, PROJECT | BUILT):
        data = pack({f"{folder}{path}": data for path, data in files.items()})
        assert listed(data, "a") == [(f"{folder}{path}", data) for path, data in PROJECT.items()]


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: gzip.compress(tarred(files))])
@pytest.mark.parametrize(
    "files",
    [
        {"shop/a.py": b"a", "shop/vendor/models.py": b"b", "zoo.md": b"c"},
        {"shop/vendor/models.py": b"b", "shop/a.py": b"a", "web/dist/c.js": b"d"},
        {"shop/vendor/models.py": b"b", "shop/__init__.py": b""},
        {"src/build/compiler.py": b"a"},
    ],
)
def test_a_folder_beside_others_is_no_project(pack: Callable[..., bytes], files: dict[str, bytes]) -> None:
    """Nor is a package, nor `src`: the same in every format, though a tar does not tell before its end."""
    assert listed(pack(files), "a") == [(path, data) for path, data in files.items() if data]


def test_names_are_looked_at_twice_only_where_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each archive, and not for one that has nothing built at that place."""
    asked = []

    def counted(paths: Iterable[str]) -> str:
        asked.append(list(paths))
        return "repo"

    monkeypatch.setattr(archives, "project_folder", counted)
    listed(zipped({"repo/a.py": b"a", "repo/.git/b": b"b", "dist/c.js": b"c", "repo/src/build/d.py": b"d"}), "a.zip")
    assert asked == []
    listed(zipped({"repo/dist/a.js": b"a", "repo/dist/b.js": b"b", "repo/c.py": b"c"}), "a.zip")
    assert asked == [["repo/dist/a.js", "repo/dist/b.js", "repo/c.py"]]


def test_a_project_is_told_by_what_can_be_read() -> None:
    """Of a tar with more bytes than are unpacked, and of one that breaks off."""
    data = gzip.compress(tarred({"repo/dist/a.js": bytes(600), "repo/b.md": bytes(600), "c.md": bytes(600)}))
    items = listed(data, "a.tgz", ArchiveLimits(max_total_bytes=1500))
    assert items == [
        ("repo/b.md", bytes(600)),
        ("", "holds more than the 0 MB that are unpacked; the rest is left out"),
    ]
    cut = tarred({"repo/dist/a.js": bytes(600), "repo/b.md": bytes(600)})[:2900]
    assert [path for path, _ in listed(cut, "a.tar")] == ["repo/b.md", ""]


def test_an_archive_of_noise_says_so() -> None:
    """Silence about everything would look like a fault."""
    remark = ("", "holds nothing to read: its files are hidden, built or empty")
    assert listed(zipped({"dist/a.js": b"x"}), "a.zip") == [remark]
    assert listed(zipped({"dist/a.js": b"x"}), "a.zip", skip=1) == []
    assert listed(zipped({}), "a.zip") == listed(tarred({}), "a.tar") == []


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("./docs//a.md", "docs/a.md"),
        ("docs\\a.md", "docs/a.md"),
        ("docs/../a.md", "a.md"),
        ("tab\tand\x1b[31m  red.md", "tab and [31m red.md"),
        ("exe\u202ecod.md", "execod.md"),
        ("u\u0308.md", "ü.md"),
        (f"{'x' * 300}.md", f"…{'x' * 196}.md"),
    ],
)
def test_names_are_titles(written: str, path: str) -> None:
    """One form, nothing invisible, and of an overlong one the end."""
    assert (
        listed(zipped({written: b"text"}), "a.zip") == listed(tarred({written: b"text"}), "a.tar") == [(path, b"text")]
    )


@pytest.mark.parametrize("written", ["../a.md", "docs/../../a.md", "/etc/passwd", "C:\\a.md", "\\\\host\\a.md"])
def test_names_that_lead_out_are_refused(written: str) -> None:
    """By dots, a root, a drive or another machine."""
    expected = [(written.replace("\\", "/"), "leads out of the archive"), ("b.md", b"b")]
    files = {written: b"text", "b.md": b"b"}
    assert listed(zipped(files), "a.zip") == listed(tarred(files), "a.tar") == expected


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.FIFOTYPE, "is no regular file"),
        (tarfile.CHRTYPE, "is no regular file"),
        (b"M", "is no regular file"),
        (tarfile.GNUTYPE_SPARSE, "is a sparse file, which is not read"),
    ],
)
def test_what_is_no_file_in_a_tar_is_refused(kind: bytes, reason: str) -> None:
    """Links, devices, pipes, parts of other volumes and files with holes; what follows is read."""
    data = tar_entry("odd", kind) + tar_entry("b.md", data=b"b")
    assert listed(data, "a.tar") == [("odd", reason), ("b.md", b"b")]


def test_links_and_devices_in_a_zip_are_refused() -> None:
    """By the mode that Unix writes."""
    assert listed(zip_link("odd", "/etc/passwd"), "a.zip") == [("odd", "is a link")]
    assert listed(zip_link("odd", "x", stat.S_IFIFO), "a.zip") == [("odd", "is no regular file")]
    assert listed(zip_link("odd", "x", stat.S_IFDIR), "a.zip") == []


def test_archives_within_come_in_their_place() -> None:
    """Two deep, and deeper ones are refused."""
    third = zipped({"d.md": b"d"})
    second = PACKERS["xz"](tarred({"c.md": b"c", "third.zip": third}))
    first = zipped({"second.tar.xz": second, "log.txt.gz": gzip.compress(b"log")})
    assert listed(zipped({"a.md": b"a", "first.zip": first, "z.md": b"z"}), "a.zip") == [
        ("a.md", b"a"),
        ("first.zip/second.tar.xz/c.md", b"c"),
        ("first.zip/second.tar.xz/third.zip", "is nested deeper than 2 archives"),
        ("first.zip/log.txt.gz/log.txt", b"log"),
        ("z.md", b"z"),
    ]


def test_members_come_one_at_a_time() -> None:
    """The first is there before a byte of the second was looked at."""
    whole = tarred({"a.md": b"a", "b.md": bytes(1_000_000)})
    items = members(io.BytesIO(whole[:2048]), "a.tar")
    assert next(items) == Member("a.md", b"a")


class CountingFile(io.BytesIO):
    """A file that knows how many bytes were read from it."""

    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_passing_over_members_does_not_read_them(pack: type) -> None:
    """A continued reading takes the directory or the headers, and what is still to come."""
    files = {f"{number}.txt": bytes([number]) * 100_000 for number in range(1, 21)}
    file = CountingFile(pack(files, zipfile.ZIP_STORED) if pack is zipped else pack(files))
    assert list(members(file, "a", skip=19)) == [Member("20.txt", bytes([20]) * 100_000)]
    assert file.read_bytes < 200_000


_NAMES = st.text("abcé.ü_", min_size=1, max_size=6)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_TREES = st.dictionaries(_PATHS, st.binary(max_size=2000), max_size=8)
_LIMITS = st.builds(
    ArchiveLimits,
    max_listed=st.integers(1, 12),
    max_headers=st.integers(5, 60),
    max_member_bytes=st.integers(500, 3000),
    max_total_bytes=st.integers(1000, 12_000),
)


@settings(deadline=None)
@given(_TREES, st.integers(0, 10))
def test_a_tree_is_the_same_in_every_format(tree: dict[str, bytes], skip: int) -> None:
    """A ZIP and a tar.gz of the same files give the same members, and a continued reading exactly the rest."""
    packed = {"a.zip": zipped(tree), "a.tar.gz": gzip.compress(tarred(tree), 1), "a.tar": tarred(tree)}
    expected = listed(packed["a.zip"], "a.zip")
    for name, data in packed.items():
        assert listed(data, name) == expected
        assert listed(data, name, skip=skip) == expected[skip:]


@settings(deadline=None)
@given(_TREES, _TREES, _LIMITS, st.integers(0, 99), st.sampled_from(sorted(FORMS)))
def test_a_reading_can_go_on_anywhere(
    tree: dict[str, bytes], inner: dict[str, bytes], limits: ArchiveLimits, cut: int, name: str
) -> None:
    """After every number of items, with archives within, whichever limit is reached and wherever the file is cut."""
    nested = {"in.zip": zipped(inner), "in.tar.xz": PACKERS["xz"](tarred(inner)), "in.gz": gzip.compress(b"x" * 700)}
    files = {**tree, **nested, "last.md": b"last"}
    data = zipped(files) if name == "a.zip" else tarred(files)
    data = PACKERS[name.rpartition(".")[2]](data) if name.count(".") == 2 else data
    if cut < 50 and name != "a.zip":
        data = data[: max(600, len(data) - cut * 40)]
    try:
        whole = listed(data, name, limits)
    except UnreadableDocumentError:
        return
    for skip in range(len(whole) + 2):
        assert listed(data, name, limits, skip) == whole[skip:]


@given(
    st.binary(max_size=300), st.sampled_from(["a.zip", "a.tar", "a.gz", "a.tar.bz2", "a.xz", "a"]), st.integers(0, 4)
)
@settings(deadline=None)
def test_noise_instead_of_an_archive_is_a_reason(data: bytes, name: str, magic: int) -> None:
    """Whatever the bytes are, they are items or an unreadable document, never another error."""
    starts: Sequence[bytes] = (b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\x00")
    try:
        listed(starts[magic] + data, name)
    except UnreadableDocumentError as error:
        assert str(error)  # noqa: PT017 - items are right as well


@given(st.sampled_from(sorted(FORMS)), st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
@settings(deadline=None)
def test_a_damaged_archive_is_a_reason(name: str, at: int, damage: bytes) -> None:
    """Bytes overwritten anywhere end in items or an unreadable document."""
    data = FORMS[name]
    at %= len(data)
    try:
        listed(data[:at] + damage + data[at + len(damage) :], name)
    except UnreadableDocumentError as error:
        assert str(error)  # noqa: PT017 - items are right as well


def test_a_zip_without_files_in_its_directory_is_empty() -> None:
    """The smallest there is."""
    assert listed(raw_zip([]), "a.zip") == []
