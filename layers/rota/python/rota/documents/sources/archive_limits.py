"""How much may come out of an archive, and the account of what has: one for an archive and all those within it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much of one archive is looked at, with the archives in it.

    The function that gathers has 1,769 MB of memory and 900 s (`infra.functions`). Times are those of one core of a
    busy laptop; what is packed may be unpacked twice (see `Archive.project`).
    """

    max_listed: int = 20_000
    """Files given or refused: a job reads a thousand by default, and names as many that it did not."""

    max_headers: int = 100_000
    """Entries passed, with folders and files that are left out: a project with its `node_modules` has
    60,000. So many take 2 s in a ZIP and 5 s in a tar."""

    max_member_bytes: int = 20_000_000
    """Bytes of one file, unpacked: what a reader takes at most."""

    max_total_bytes: int = 500_000_000
    """Bytes unpacked in all: text of that size takes gzip 5 s, xz 25 s and bzip2 45 s."""

    max_depth: int = 2
    """Archives around an archive that is still opened: a bundle of packed logs has one, a mirror of it two."""

    max_directory_bytes: int = 8_000_000
    """Directory of a ZIP, which is read at once: 60,000 entries of 130 bytes take 37 MB of memory, and the most that
    can be made to fit takes 70 MB; read twice, it is there twice."""


class LimitReachedError(Exception):
    """A total is spent: nothing more of this archive is looked at. The message completes "<archive> …"."""


@dataclass(slots=True)
class Account:
    """What came out of an archive so far, and how many of the first items were given before (`skip`).

    Items that were given before cost what they cost then, so that a continued reading ends where an unbroken one would
    have. `noise` counts files that are passed over for what they are, `empty` those that have nothing in them.
    """

    limits: ArchiveLimits
    skip: int = 0
    listed: int = 0
    noise: int = 0
    empty: int = 0
    headers: int = 0
    unpacked_bytes: int = 0

    def gives(self) -> bool:
        """Count one item, and say whether it is given. Raises LimitReachedError for one too many."""
        if self.listed >= self.limits.max_listed:
            raise LimitReachedError(_more_than(f"the {self.limits.max_listed:,} files that are listed"))
        self.listed += 1
        return self.listed > self.skip

    def gives_last(self) -> bool:
        """Whether a closing remark is given, which no limit stops."""
        self.listed += 1
        return self.listed > self.skip

    def pass_headers(self, number: int = 1) -> None:
        """Count entries looked at. Raises LimitReachedError when they are too many."""
        self.headers += number
        if self.headers > self.limits.max_headers:
            raise LimitReachedError(_more_than(f"the {self.limits.max_headers:,} entries that are looked at"))

    def charge(self, size: int) -> None:
        """Count bytes before they are unpacked. Raises LimitReachedError when they are too many."""
        self.unpacked_bytes += size
        if self.unpacked_bytes > self.limits.max_total_bytes:
            raise LimitReachedError(_more_than(f"the {self.limits.max_total_bytes / 1e6:,.0f} MB that are unpacked"))

    def too_large(self, size: int) -> str:
        """The reason given for a file of `size` bytes that is not read; empty when it is."""
        if size <= self.limits.max_member_bytes:
            return ""
        return f"has {size / 1e6:.1f} MB; at most {self.limits.max_member_bytes / 1e6:.0f} MB are read"


def _more_than(most: str) -> str:
    return f"holds more than {most}; the rest is left out"
