"""Imports led to files of the job: by the rules of each language, and to none where the rules do not tell."""

from __future__ import annotations

import time

import pytest

from rota.documents.code.links import CodeFile, Links, links

PYTHON = ["app/main.py", "app/core/__init__.py", "app/core/store.py", "app/core/api.pyi", "app/util.py", "lib/pkg/x.py"]
SCRIPTS = ["src/a.ts", "src/b/index.tsx", "src/c.js", "src/d.d.ts", "lib/e.mjs"]
JAVA = ["m/src/main/java/org/x/A.java", "m/src/main/java/org/x/y/B.java", "m/src/main/java/org/x/y/C.java"]
GO = ["main.go", "store/a.go", "store/b.go", "store/a_test.go", "internal/api/c.go", "errors/e.go", "json/j.go"]
RUST = ["c/src/lib.rs", "c/src/a.rs", "c/src/a/b.rs", "c/src/d/mod.rs", "c/src/d/e.rs"]
C = ["src/a.c", "src/a.h", "src/sub/b.c", "include/proj/c.h", "include/d.h", "src/string.h"]

RESOLVED: list[tuple[list[str], str, str, list[str], list[str]]] = [
    (PYTHON, "app/main.py", "app.core.store", ["app/core/store.py"], []),
    (PYTHON, "app/main.py", "app.core.store.Store", ["app/core/store.py"], []),
    (PYTHON, "app/main.py", "app.core.thing", ["app/core/__init__.py"], []),
    (PYTHON, "app/main.py", "core.api", ["app/core/api.pyi"], []),
    (PYTHON, "app/main.py", "util", ["app/util.py"], []),
    (PYTHON, "app/core/store.py", "pkg.x.f", ["lib/pkg/x.py"], []),
    (PYTHON, "lib/pkg/x.py", "util", [], ["util"]),
    (PYTHON, "app/main.py", "typing.Any", [], ["typing"]),
    (PYTHON, "app/main.py", "numpy.linalg", [], ["numpy"]),
    (PYTHON, "app/core/store.py", ".api", ["app/core/api.pyi"], []),
    (PYTHON, "app/core/store.py", ".thing", ["app/core/__init__.py"], []),
    (PYTHON, "app/core/store.py", "..util.f", ["app/util.py"], []),
    (PYTHON, "app/core/store.py", ".", ["app/core/__init__.py"], []),
    (PYTHON, "app/core/store.py", ".lost.f", [], [".lost"]),
    (PYTHON, "app/core/store.py", ".....util", [], [".....util"]),
    (PYTHON, "app/core/store.py", ".store.f", [], []),  # itself
    (["json/decoder.py", "a.py"], "a.py", "json.decoder", [], ["json"]),
    (SCRIPTS, "src/a.ts", "./b", ["src/b/index.tsx"], []),
    (SCRIPTS, "src/a.ts", "./c.js", ["src/c.js"], []),
    (SCRIPTS, "src/b/index.tsx", "../a.js", ["src/a.ts"], []),
    (SCRIPTS, "src/b/index.tsx", "..", [], [".."]),
    (SCRIPTS, "src/a.ts", "./d", ["src/d.d.ts"], []),
    (SCRIPTS, "src/a.ts", "../lib/e.mjs", ["lib/e.mjs"], []),
    (SCRIPTS, "src/a.ts", "../../../lib/e", [], ["../../../lib/e"]),
    (SCRIPTS, "src/a.ts", "lodash/fp", [], ["lodash"]),
    (SCRIPTS, "src/a.ts", "@scope/name/deep", [], ["@scope/name"]),
    (JAVA, JAVA[0], "org.x.y.B", [JAVA[1]], []),
    (JAVA, JAVA[0], "org.x.y.B.Inner", [JAVA[1]], []),
    (JAVA, JAVA[0], "org.x.y.*", JAVA[1:], []),
    (JAVA, JAVA[0], "java.util.Map.Entry", [], ["java.util"]),
    (JAVA, JAVA[0], "java.util.*", [], ["java.util"]),
    (GO, "main.go", "example.com/me/proj/internal/api", ["internal/api/c.go"], []),
    (GO, "main.go", "fmt", [], ["fmt"]),
    (GO, "main.go", "encoding/json", [], ["encoding/json"]),
    (GO, "main.go", "github.com/pkg/errors", [], ["github.com/pkg/errors"]),
    (RUST, "c/src/lib.rs", "self::a", ["c/src/a.rs"], []),
    (RUST, "c/src/a.rs", "self::b", ["c/src/a/b.rs"], []),
    (RUST, "c/src/a/b.rs", "super::f", ["c/src/a.rs"], []),
    (RUST, "c/src/a/b.rs", "super::super::d::e::F::G", ["c/src/d/e.rs"], []),
    (RUST, "c/src/d/e.rs", "crate::a::b::F", ["c/src/a/b.rs"], []),
    (RUST, "c/src/d/e.rs", "crate::Error", ["c/src/lib.rs"], []),
    (RUST, "c/src/lib.rs", "d::e", ["c/src/d/e.rs"], []),
    (RUST, "c/src/a.rs", "serde::Deserialize", [], ["serde"]),
    (C, "src/a.c", "a.h", ["src/a.h"], []),
    (C, "src/sub/b.c", "a.h", ["src/a.h"], []),
    (C, "src/sub/b.c", "../a.h", ["src/a.h"], []),
    (C, "src/a.c", "d.h", ["include/d.h"], []),
    (C, "src/a.c", "<proj/c.h>", ["include/proj/c.h"], []),
    (C, "src/a.c", "<string.h>", [], ["string.h"]),
]


def linked(titles: list[str], imports: dict[str, list[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """Titles and packages that each title imports."""
    files = [CodeFile(number, title, imports.get(title, [])) for number, title in enumerate(titles, 1)]
    return {
        titles[number - 1]: (sorted(titles[other - 1] for other in one.files), sorted(one.packages))
        for number, one in links(files).items()
    }


@pytest.mark.parametrize(("titles", "importer", "name", "found", "packages"), RESOLVED)
def test_a_name_leads_to_files(
    titles: list[str], importer: str, name: str, found: list[str], packages: list[str]
) -> None:
    """Of the job, else it counts as a package from elsewhere."""
    assert linked(titles, {importer: [name]})[importer] == (sorted(found), packages)


def test_roots_may_lie_anywhere() -> None:
    """A job may hold a project from its root, from above, or from within; a path may begin with a stroke."""
    for root in ("", "/", "a/b/", "./"):
        titles = [f"{root}app/main.py", f"{root}app/core/store.py"]
        assert linked(titles, {titles[0]: ["app.core.store.Store"]})[titles[0]] == ([titles[1]], [])


def test_an_end_that_several_paths_have_leads_nowhere() -> None:
    """The nearest is taken where folders nest; of two elsewhere neither is."""
    titles = ["one/app/a.py", "two/app/a.py", "one/tests/t.py", "three/u.py"]
    found = linked(titles, {title: ["app.a.f"] for title in titles[2:]})
    assert found["one/tests/t.py"] == (["one/app/a.py"], [])
    assert found["three/u.py"] == ([], ["app"])


def test_a_go_module_is_known_by_two_of_its_packages() -> None:
    """Then ends of one part are believed, in its own paths only; tests of a package are no part of it."""
    names = ["example.com/me/proj/store", "example.com/me/proj/json", "github.com/pkg/errors", "encoding/json"]
    found, packages = linked(GO, {"main.go": names})["main.go"]
    assert found == ["json/j.go", "store/a.go", "store/b.go"]
    assert packages == ["encoding/json", "github.com/pkg/errors"]


def test_packages_are_counted_and_not_names() -> None:
    """Forty names of one library are one dependency."""
    found = linked(["a.py"], {"a.py": [f"typing.T{n}" for n in range(40)] + ["os.path", "os"]})
    assert found["a.py"] == ([], ["os", "typing"])


def test_what_was_not_analysed_has_no_links_but_may_be_linked_to() -> None:
    """A file with a mistake in it is still imported by others."""
    files = [CodeFile(1, "a.py", ["b"]), CodeFile(2, "b.py", None), CodeFile(3, "c.rb", None)]
    assert links(files) == {1: Links(frozenset({2}), frozenset())}


def test_the_first_of_two_files_with_one_title_is_meant() -> None:
    """Titles of texts in a request are free."""
    files = [CodeFile(1, "a.py", []), CodeFile(2, "a.py", []), CodeFile(3, "b.py", ["a"])]
    assert links(files)[3].files == {1}


def test_strange_names_lead_nowhere_and_break_nothing() -> None:
    """Stored imports and titles are other people's text."""
    names = [
        "",
        ".",
        "..",
        "/",
        "//",
        "a//b",
        "::",
        "<>",
        "<",
        "*",
        "a.*",
        "crate",
        "self",
        "super::super",
        "a..",
        "\0",
    ]
    for title in ["a.py", "../a.js", "/A.java", "a.go", "a.rs", "src/a.c"]:
        links([CodeFile(1, title, names), CodeFile(2, "x/" * 120 + "b.py", []), CodeFile(3, "", None)])


def test_ten_thousand_files_take_seconds() -> None:
    """The planning function has five minutes, mostly for its own work."""
    titles = [f"{'/'.join(f'p{n % width}' for width in (7, 31, 101))}/m{n}.py" for n in range(10_000)]
    files = [
        CodeFile(n, title, [f"p1.p2.p3.m{n * step % 10_000}.name" for step in range(1, 16)])
        for n, title in enumerate(titles)
    ]
    start = time.process_time()
    links(files)
    assert time.process_time() - start < 10
