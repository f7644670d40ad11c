"""The texts of files that go with a request, and how complex their code is, found out on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli.errors import CliError
from cli.files import collect
from rota.documents.code.complexity import GroupComplexity, group_complexity
from rota.documents.code.files import is_code
from rota.documents.code.imports import imports
from rota.documents.code.links import CodeFile, links
from rota.documents.reading.read import read_document
from rota.errors import UnreadableDocumentError
from rota.records import Passage
from rota.steps import delimit


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file as text, under the name by which it would be cited."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class CodeGroup:
    """The code among some files: how complex it is together, and the names of those that no parser here reads."""

    complexity: GroupComplexity
    files: int
    not_analysed: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        found = self.complexity
        return {
            **{
                name: getattr(found, name)
                for name in ("score", "is_complex", "size", "dependency", "files", "analysed")
            },
            "kinds": dict(found.factors.kinds),
            "not_analysed": list(self.not_analysed),
        }


def read_texts(paths: Sequence[str]) -> list[TextFile]:
    """The texts of these files and folders. Raises CliError when there is none; says which are left out, and why."""
    texts = []
    for found in collect(paths) if paths else ():
        try:
            texts.append(TextFile(found.name, read_document(found.path.read_bytes(), found.name).text))
        except UnreadableDocumentError as error:
            print(f"Left out: {found.name} {error}.", file=sys.stderr)
        except OSError as error:
            print(f"Left out: {found.name} cannot be read: {error.strerror}.", file=sys.stderr)
    if paths and not texts:
        raise CliError(f"None of these files can be read: {', '.join(paths)}.")
    return texts


def delimited(question: str, files: Sequence[TextFile]) -> str:
    """A request with its files as a model would be given them: each between delimiters that carry its name."""
    passages = [
        Passage(number=number, title=file.name, part=1, parts=1, start=0, end=len(file.text), text=file.text)
        for number, file in enumerate(files, start=1)
    ]
    return f"{question}\n\n{delimit.documents(passages)}" if passages else question


def code_group(files: Sequence[TextFile]) -> CodeGroup | None:
    """How complex the code of these files is as a group; None when there is no code among them."""
    code = [file for file in files if is_code(file.name)]
    if not code:
        return None
    analysed = [CodeFile(number, file.name, imports(file.name, file.text)) for number, file in enumerate(code, start=1)]
    total_bytes = sum(len(file.text.encode()) for file in code)
    return CodeGroup(
        complexity=group_complexity(analysed, total_bytes, links(analysed)),
        files=len(code),
        not_analysed=tuple(file.title for file in analysed if file.imports is None),
    )
