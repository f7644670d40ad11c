"""What the functions import is in their layers or in Lambda's runtime: the emulator has more, and would hide a lack."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "layers/rota/python/rota"
IN_THE_RUNTIME = {"boto3", "botocore"}
MODULES = {"aws-lambda-powertools": "aws_lambda_powertools"}
ONLY_AT_SYNTHESIS = {"yaml": {LIBRARY / "catalog_file.py"}}


def pinned(group: str) -> set[str]:
    """Modules of the packages that a requirements file pins."""
    lines = (ROOT / f"requirements/{group}.txt").read_text().splitlines()
    names = {line.partition("==")[0] for line in lines if "==" in line and not line.startswith(" ")}
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


def imports(path: Path) -> Iterator[str]:
    """Top-level names of what a file imports when it runs, at its head or inside functions."""
    tree = ast.parse(path.read_text())
    skipped = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def third_party(path: Path) -> set[str]:
    """What a file needs from elsewhere."""
    own = {"rota", "functions"} | set(sys.stdlib_module_names)
    return {name for name in imports(path) if name not in own and path not in ONLY_AT_SYNTHESIS.get(name, set())}


def readers_of_documents() -> list[Path]:
    """What only the function that gathers documents imports."""
    documents = LIBRARY / "documents"
    others = [documents / "code" / "imports_syntax.py", documents / "search" / "corpus.py"]
    return [*(documents / "reading").glob("*.py"), *others]


def test_functions_and_library_need_only_their_layers() -> None:
    """Everything but the readers of documents runs on requirements/runtime.txt and Lambda's own boto3."""
    runtime, readers = pinned("runtime") | IN_THE_RUNTIME, readers_of_documents()
    files = [*LIBRARY.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    lacking = {
        str(path.relative_to(ROOT)): missing
        for path in files
        if path not in readers and (missing := third_party(path) - runtime)
    }
    assert lacking == {}


def test_readers_of_documents_need_only_the_documents_layer() -> None:
    """Files are read, analysed and searched with requirements/documents.txt, which GatherDocuments alone has."""
    readers = readers_of_documents()
    grammars = {f"tree_sitter_{name}" for name in ("c", "cpp", "go", "java", "javascript", "rust", "typescript")}
    needed = {"charset_normalizer", "mammoth", "pypdfium2", "selectolax", "tantivy", "tree_sitter", *grammars}
    assert {name for path in readers for name in third_party(path)} == needed
    assert pinned("documents") >= needed
