"""Archives made to harm end in a reason, within the limits of time and memory."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest

from rota.documents.sources.archive_limits import ArchiveLimits
from rota.documents.sources.archive_streams import XZ_MEMORY_BYTES
from rota.errors import UnreadableDocumentError
from tests.fixtures.archives import (
    PACKERS,
    deflated,
    directory_fields,
    listed,
    local_file,
    members,
    pax,
    raw_zip,
    tar_entry,
    tarred,
    zeros,
    zipped,
)

ALLOWED_BYTES = 30_000_000
TAR_END = bytes(1024)


def refusal(data: bytes, name: str, limits: ArchiveLimits | None = None) -> str:
    """The reason why an archive as a whole is not read."""
    with pytest.raises(UnreadableDocumentError) as caught:
        members(io.BytesIO(data), name, limits)
    return str(caught.value)


def lying_zip(data: bytes, size: int) -> bytes:
    """A ZIP with one deflated file that says another size of itself."""
    packed = deflated(data)
    fields = directory_fields(data, packed, size)
    return raw_zip([(b"a.md", fields, local_file(b"a.md", fields, packed), 0)])


def peak_bytes(data: bytes, name: str) -> tuple[int, list[str]]:
    """The most memory that reading takes beyond the archive itself, and what was given."""
    file = io.BytesIO(data)
    tracemalloc.start()
    reasons = [getattr(item, "reason", "read") for item in members(file, name)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, reasons


def zeros_in_tar(packer: str, size: int) -> bytes:
    """A packed tar with one file of so many zeros; streams that follow each other are one."""
    pack = PACKERS[packer]
    return pack(tar_entry("a.md", size=size)) + zeros(packer, size) + pack(bytes(-size % 512) + TAR_END)


def zeros_in_zip() -> bytes:
    """A ZIP with one file of 200 MB of zeros that admits to it."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.md", "w") as file,
    ):
        for _ in range(200):
            file.write(bytes(1_000_000))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("a.zip", zeros_in_zip, "has 200.0 MB; at most 20 MB are read"),
        ("a.zip", lambda: lying_zip(bytes(60_000_000), 20_000_000), "is broken"),
        ("a.md.gz", lambda: zeros("gz", 200_000_000), "has more than the 20 MB that are read"),
        ("a.md.bz2", lambda: zeros("bz2", 50_000_000), "has more than the 20 MB that are read"),
        ("a.md.xz", lambda: zeros("xz", 60_000_000), "has more than the 20 MB that are read"),
        ("a.tgz", lambda: zeros_in_tar("gz", 200_000_000), "has 200.0 MB; at most 20 MB are read"),
        ("a.txz", lambda: zeros_in_tar("xz", 60_000_000), "has 60.0 MB; at most 20 MB are read"),
    ],
)
def test_a_few_bytes_that_stand_for_many(name: str, make: Callable[[], bytes], reason: str) -> None:
    """Unpacking ends at the limit, whatever a header says, and memory holds one member at most."""
    peak, reasons = peak_bytes(make(), name)
    assert reasons == [reason]
    assert peak < ALLOWED_BYTES


def test_memory_holds_one_member() -> None:
    """Not those before it."""
    peak, reasons = peak_bytes(zipped({f"{number}.md": bytes(10_000_000) for number in range(8)}), "a.zip")
    assert reasons == ["read"] * 8
    assert peak < ALLOWED_BYTES


def test_a_file_of_a_zip_has_the_bytes_it_says_or_is_broken() -> None:
    """Too few, too many, another checksum, or another header: nothing is read that the directory does not say."""
    assert listed(lying_zip(b"text", 4), "a.zip") == [("a.md", b"text")]
    assert listed(lying_zip(b"text" * 100, 4), "a.zip") == [("a.md", "is broken")]
    stored = zipped({"a.md": b"text", "b.md": b"more"}, zipfile.ZIP_STORED)
    assert listed(stored.replace(b"text", b"next"), "a.zip") == [("a.md", "is broken"), ("b.md", b"more")]
    assert listed(stored.replace(b"PK\3\4", b"PK\3\5", 1), "a.zip")[0] == ("a.md", "is broken")
    assert listed(stored.replace(b"b.md", b"c.md", 1), "a.zip")[1] == ("b.md", "is broken")


@pytest.mark.parametrize("at", [0, 1], ids=["same file", "within the other"])
def test_files_of_a_zip_that_share_their_bytes(at: int) -> None:
    """A directory can name the same bytes any number of times."""
    inner = local_file(b"b.md", directory_fields(b"text", deflated(b"text")), deflated(b"text"))
    fields = struct.pack("<HLLL", 0, 0, len(inner), len(inner))
    outer = local_file(b"a.md", fields, inner)
    offset = len(outer) - len(inner)
    bomb = raw_zip([(b"a.md", fields, outer, 0), (b"b.md", fields, b"", offset * at)])
    assert refusal(bomb, "a.zip") == "is a broken ZIP archive: files in it overlap"


def test_encrypted_zips() -> None:
    """A whole archive, or one of its files."""
    locked = bytearray(zipped({"a.md": b"text", "b.md": b"text"}))
    first = locked.index(b"PK\1\2")
    locked[first + 8] |= 1
    assert listed(bytes(locked), "a.zip") == [("a.md", "is encrypted"), ("b.md", b"text")]
    locked[locked.index(b"PK\1\2", first + 1) + 8] |= 1
    assert refusal(bytes(locked), "a.zip") == "is encrypted"
    assert listed(zipped({"in.zip": bytes(locked)}), "a.zip") == [("in.zip", "is encrypted")]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_bound_are_refused(method: int) -> None:
    """zipfile would unpack 64 KB of them to any size at once."""
    assert listed(zipped({"a.md": b"text"}, method), "a.zip") == [("a.md", "is compressed in a way that is not read")]


def test_a_zip_with_a_broken_directory() -> None:
    """Cut off, overwritten, or leading elsewhere: before the file or beyond it."""
    whole = zipped({"a.md": b"text"})
    end = whole.index(b"PK\5\6")
    far = whole[: end + 16] + struct.pack("<L", 2**31) + whole[end + 20 :]
    for data in (whole[:-30], whole.replace(b"PK\1\2", b"PK\1\3"), b"<html>Please log in", b""):
        assert refusal(data, "a.zip") == "is a broken ZIP archive"
    beyond = raw_zip([(b"a.md", directory_fields(b"x", b"x"), b"", 2**31)])
    for data in (far, beyond):  # versions of zipfile notice it sooner or later
        [(path, reason)] = listed(zipped({"in.zip": data}), "a.zip")
        assert path.startswith("in.zip")
        assert str(reason).startswith("is broken") or reason == "is a broken ZIP archive"


def test_a_file_of_a_zip_whose_header_leads_beyond_the_end() -> None:
    """An extra field is longer than what is left; versions of zipfile seek there, or read less."""
    data = bytearray(zipped({"a.md": b"text"}))
    data[28:30] = b"\xff\xff"
    assert listed(bytes(data), "a.zip") == [("a.md", "is broken")]


def test_a_zip_with_an_endless_directory() -> None:
    """It is not read into memory, and its entries are counted with those of the archives around it."""
    fields = directory_fields(b"x", deflated(b"x"))
    entries = [(b"a", fields, local_file(b"a", fields, deflated(b"x")), 34 * number) for number in range(600)]
    data = raw_zip(entries)
    limits = ArchiveLimits(max_directory_bytes=10_000)
    assert refusal(data, "a.zip", limits) == "has a directory of 0.0 MB; at most 0 MB are read"
    remark = "holds more than the 1,000 entries that are looked at; the rest is left out"
    limits = ArchiveLimits(max_headers=1000)
    assert refusal(data, "a.zip", ArchiveLimits(max_headers=599)).startswith("holds more than the 599 entries")
    assert listed(zipped({"a.zip": data, "b.zip": data}), "c.zip", limits)[600:] == [("", remark)]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_totals_end_the_reading(name: str) -> None:
    """Files listed and bytes unpacked, those of archives within among them."""
    files = {"in.zip": zipped({f"{number}.md": b"x" * 1000 for number in range(9)}), "b.md": b"b"}
    data = zipped(files) if name == "a.zip" else tarred(files)
    data = gzip.compress(data) if name.endswith(".gz") else data
    few = listed(data, name, ArchiveLimits(max_listed=3))
    assert [path for path, _ in few] == [*(f"in.zip/{number}.md" for number in range(3)), ""]
    assert few[-1][1] == "holds more than the 3 files that are listed; the rest is left out"
    size = len(files["in.zip"]) + 5500
    small = listed(data, name, ArchiveLimits(max_total_bytes=size))
    assert [path for path, _ in small] == [*(f"in.zip/{number}.md" for number in range(5)), ""]
    assert small[-1][1] == "holds more than the 0 MB that are unpacked; the rest is left out"


def test_what_is_passed_in_a_packed_tar_is_unpacked_too() -> None:
    """10 MB that stand for 10 GB, in files that nobody would read."""
    noise = gzip.compress(tar_entry(".git/pack", size=30_000_000)) + zeros("gz", 30_000_000)
    data = (noise + gzip.compress(bytes(-30_000_000 % 512))) * 3
    assert listed(data, "a.tgz", ArchiveLimits(max_total_bytes=70_000_000)) == [
        ("", "holds more than the 70 MB that are unpacked; the rest is left out")
    ]


@pytest.mark.parametrize(
    ("entry", "items"),
    [
        (
            tar_entry("a.md", size=10**15),
            [("a.md", "has 1000000000.0 MB; at most 20 MB are read"), ("", "is cut short")],
        ),
        (tar_entry("a.md", size=-512), [("", "is a broken tar archive")]),
        (
            tar_entry("x", tarfile.XHDTYPE, size=10**12),
            [("", "is a broken tar archive: a header in it has 1000000.0 MB")],
        ),
        (tar_entry("x", tarfile.XGLTYPE, size=2 * 10**6), [("", "is a broken tar archive: a header in it has 2.0 MB")]),
        (tar_entry("x", b"L", size=2 * 10**6), [("", "is a broken tar archive: a header in it has 2.0 MB")]),
        (tar_entry("x", b"L", size=2000), [("", "is cut short")]),
        (pax(b"0 path=a\n"), [("", "is a broken tar archive")]),
        (pax(b"99 path=a\n"), [("", "is a broken tar archive")]),
        (pax(b"14 size=-1024\n"), [("", "is a broken tar archive")]),
        (pax(b"12 size=999\n") + tar_entry("a.md", data=b"x"), [("a.md", "is cut short"), ("", "is cut short")]),
        (pax(b"23 GNU.sparse.map=0,99\n") + tar_entry("a"), [("a", "is a sparse file, which is not read")]),
        (b"no header" * 60, [("", "is a broken tar archive")]),
        (tar_entry("a.md", data=b"text")[:514], [("a.md", "is cut short"), ("", "is cut short")]),
        (tar_entry("a.md")[:300], [("", "is cut short")]),
    ],
)
def test_a_tar_that_lies(entry: bytes, items: list[tuple[str, bytes | str]]) -> None:
    """Sizes beyond everything or below nothing, endless headers, and garbage where the next one should be."""
    before = tar_entry("first.md", data=b"1")
    assert listed(before + entry, "a.tar") == [("first.md", b"1"), *items]


def test_a_name_without_end() -> None:
    """Resolving it would take longer than reading a file; its end serves as a title."""
    data = tar_entry("x", b"L", b"a/../" * 50_000 + b"b.md") + tar_entry("b.md", data=b"b")
    [(path, reason)] = listed(data, "a.tar")
    assert path.endswith("b.md")
    assert len(path) <= 200
    assert reason == "has a name of 250,004 characters"


def test_headers_of_a_tar_without_end() -> None:
    """One after the other they are no recursion, keep nothing, and are counted."""
    headers = gzip.compress(pax(b"11 path=ab\n") * 6000)
    remark = ("", "holds more than the 5,000 entries that are looked at; the rest is left out")
    start = gzip.compress(tar_entry("a.md", data=b"a"))
    assert listed(start + headers, "a.tgz", ArchiveLimits(max_headers=5000)) == [("a.md", b"a"), remark]
    sparse = bytearray(tar_entry("b", tarfile.GNUTYPE_SPARSE))
    sparse[482] = 1
    sparse[148:156] = b" " * 8
    sparse[148:156] = b"%06o\0 " % sum(sparse)
    more = bytes(504) + b"\1" + bytes(7)
    data = tar_entry("a.md", data=b"a") + bytes(sparse) + more * 6000
    assert listed(data, "a.tar", ArchiveLimits(max_headers=5000)) == [("a.md", b"a"), remark]


@pytest.mark.parametrize("packer", [gzip.compress, lzma.compress])
def test_a_stream_that_is_cut_short_or_broken(packer: Callable[[bytes], bytes]) -> None:
    """What came before stays; the rest is refused once."""
    name = "a.tgz" if packer is gzip.compress else "a.txz"
    noise = random.Random(7).randbytes(300_000)
    whole = packer(tarred({"a.md": b"a", "b.md": noise, "c.md": b"c"}))
    items = listed(whole[: len(whole) // 2], name)
    assert items[0] == ("a.md", b"a")
    assert items[-1] == ("", "is cut short")
    assert refusal(whole[:8], name) in ("is cut short", "is a broken tar archive")
    assert listed(packer(b"text" * 50_000)[:-6], "a.txt.gz")[-1] == ("", "is cut short")


def test_a_broken_stream_says_what_it_is() -> None:
    """By its first bytes, whatever its name is."""
    assert refusal(b"\x1f\x8b\x08" + b"\xff" * 100, "a.gz") == "is a broken gzip file"
    assert refusal(b"BZh91AY&SY" + b"\xff" * 100, "a.bz2") == "is a broken bzip2 file"
    assert refusal(b"text", "a.gz") == "is not the archive that its name says"
    assert refusal(gzip.compress(b"text"), "a.tgz") == refusal(b"text", "a.tar") == "is a broken tar archive"
    assert listed(zipped({"in.gz": b"text"}), "a.zip") == [("in.gz", "is not the archive that its name says")]


def test_xz_cannot_ask_for_any_amount_of_memory() -> None:
    """A file of 100 bytes may say that it needs 1.5 GB to be unpacked."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 4096}]
    modest = lzma.compress(b"text", filters=filters)
    flags = modest.index(b"\x21\x01") + 2
    greedy = bytearray(modest)
    greedy[flags] = 37  # 1.5 GiB
    header_end = 12 + (greedy[12] + 1) * 4
    greedy[header_end - 4 : header_end] = struct.pack("<L", zlib.crc32(greedy[12 : header_end - 4]))
    assert listed(modest, "a.xz") == [("a", b"text")]
    assert refusal(bytes(greedy), "a.xz").endswith(f"needs more than {XZ_MEMORY_BYTES / 1e6:.0f} MB of memory")


def test_streams_without_content_are_counted() -> None:
    """20 bytes each, for ever."""
    data = gzip.compress(b"text") + gzip.compress(b"") * 3000
    assert listed(data, "a.txt.gz") == [("a.txt", b"text")]
    assert refusal(data, "a.txt.gz", ArchiveLimits(max_headers=1000)).startswith("holds more than the 1,000 entries")


def test_archives_within_archives_without_end() -> None:
    """Sixteen to the power of five become sixteen squared."""
    data = zipped({"a.md": b"bomb"})
    for _ in range(4):
        data = zipped({f"{number}.zip": data for number in range(8)})
    items = listed(data, "a.zip")
    assert len(items) == 8**3
    assert {reason for _, reason in items} == {"is nested deeper than 2 archives"}
