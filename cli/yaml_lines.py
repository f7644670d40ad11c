"""Where in a YAML file things stand: its lines by path, and keys that stand twice, of which YAML forgets the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines from 1, by paths such as `models.0.tier`; `twice` has (path, line of the second, line of the first)."""

    by_path: Mapping[str, int]
    twice: tuple[tuple[str, int, int], ...]

    def of(self, path: str) -> int:
        """The line of a path, or of the nearest thing above it that is there; 1 for the file as a whole."""
        while path not in self.by_path and path:
            path = path.rpartition(".")[0]
        return self.by_path.get(path, 1)


def lines_of(text: str) -> Lines:
    """The lines of a file that `yaml.safe_load` reads."""
    by_path: dict[str, int] = {}
    twice: list[tuple[str, int, int]] = []
    for path, line in _places(yaml.compose(text, yaml.SafeLoader), "", ()):
        if path in by_path and not any(path.startswith(f"{above}.") for above, _, _ in twice):
            twice.append((path, line, by_path[path]))
        by_path[path] = line
    return Lines(by_path, tuple(twice))


def _places(node: yaml.Node | None, path: str, above: tuple[yaml.Node, ...]) -> Iterator[tuple[str, int]]:
    """Every path below a node with its line. An alias within what it stands for would never end."""
    if node is None or node in above:
        return
    below: list[tuple[str, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        below = [(str(key.value), key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    elif isinstance(node, yaml.SequenceNode):
        below = [(str(at), value, value) for at, value in enumerate(node.value)]
    for name, marked, value in below:
        here = f"{path}.{name}" if path else name
        yield here, marked.start_mark.line + 1
        yield from _places(value, here, (*above, node))
