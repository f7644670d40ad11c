"""The texts, questions and references, as they lie under `data/tasks`: one Markdown file a task."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

FOLDER = Path(__file__).parent / "data" / "tasks"
Half = Literal["development", "held-out"]

_PART = re.compile(r"^=== (reference|document: (.+))$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be summed up, or asked; `documents` are titles and Markdown texts, `question` may be empty."""

    name: str
    genre: str
    language: str
    half: Half
    question: str
    reference: str
    documents: tuple[tuple[str, str], ...]

    @property
    def words(self) -> int:
        """Of all documents."""
        return sum(len(text.split()) for _, text in self.documents)


def load_tasks(folder: Path = FOLDER) -> list[Task]:
    """All tasks of a folder, by name; raises ValueError for a file that is not one."""
    return [parse_task(file.stem, file.read_text("utf-8")) for file in sorted(folder.glob("*.md"))]


def parse_task(name: str, text: str) -> Task:
    """Fields as `name: value`, then parts that begin with `=== reference` and `=== document: <title>`."""
    head, *rest = _PART.split(text)
    fields = dict(line.split(": ", 1) for line in head.splitlines() if line.strip())
    parts = list(zip(rest[::3], rest[1::3], rest[2::3], strict=True))
    references = [body.strip() for kind, _, body in parts if kind == "reference"]
    documents = tuple((title, body.strip()) for kind, title, body in parts if kind != "reference")
    if len(references) != 1 or not documents or fields.get("half") not in ("development", "held-out"):
        raise ValueError(f"{name}: a task has a half, one reference and at least one document")
    half, question = cast(Half, fields["half"]), fields.get("question", "")
    return Task(name, fields["genre"], fields["language"], half, question, references[0], documents)
