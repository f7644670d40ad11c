"""Where a statement rests: measured on labelled statements, exact for a document's own sentences, else silent."""

from __future__ import annotations

import importlib.util
import time
import tomllib
from functools import cache
from pathlib import Path

import pytest

from rota.documents.extraction.sentences import sentences
from rota.records import Document, Place
from rota.steps.citations import without_marks
from rota.steps.definitions import MOST_LINES, block, defines
from rota.steps.grounding import QUOTED, Ground, place

REPOSITORY = Path(__file__).parents[2]
LABELLED = tomllib.loads((REPOSITORY / "tests" / "fixtures" / "statements_by_place.toml").read_text("utf-8"))
MODULES = ("sched", "queue", "graphlib", "textwrap", "shelve", "asyncio.locks")
CLASS = '''"""A bus."""

LIMIT = 5
"""How many listeners a topic may have."""


class Bus:
    """Carries events to listeners."""

    @property
    def size(self):
        """Number of listeners over all topics."""
        return sum(map(len, self._by_topic.values()))

    def send_all(self, topic, event):
        """Hand an event to each listener of a topic, the oldest first."""
        for listener in self._by_topic[topic]:
            listener(event)


def run(bus):
    """Drain it."""
    bus.send_all("start", None)
    bus.send_all("stop", None)
'''


def document(text: str, media_type: str = "text/plain", pages: list[int] | None = None) -> Document:
    """A document of this text."""
    size = len(text)
    made = Document(
        number=3, title="a", origin="request", media_type=media_type, bytes=size, characters=size, text=text
    )
    if pages is not None:
        made["pages"] = pages
    return made


@cache
def text_of(name: str) -> str:
    """A file of this repository or the source of a module."""
    if name.endswith(".md"):
        return (REPOSITORY / name).read_text("utf-8")
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text("utf-8")


@cache
def ground(name: str) -> Ground:
    """The document of that name."""
    return Ground(document(text_of(name)))


def lines_of(found: Place | None) -> list[int]:
    """Lines that must have been found."""
    assert found is not None
    return found["lines"]


def test_places_of_paraphrases_are_right_and_mostly_found() -> None:
    """Precision above 0.97 and recall above 0.9, on what other statements and versions of the files leave of them."""
    right = wrong = silent = 0
    for one in LABELLED["placed"]:
        text = text_of(one["document"])
        if text.count(one["at"]) != 1:
            continue
        anchor = text[: text.index(one["at"])].count("\n") + 1
        found = ground(one["document"]).place(one["said"])
        if found is None:
            silent += 1
        elif found["lines"][0] <= anchor <= found["lines"][1] <= found["lines"][0] + MOST_LINES + 6:
            right += 1
        else:
            wrong += 1
    assert right + wrong + silent >= 40
    assert right / (right + wrong) >= 0.97
    assert right / (right + wrong + silent) >= 0.9


def test_what_a_document_does_not_say_has_no_place_in_it() -> None:
    """Neither what was made up, nor what another document says: some of that is true there too."""
    assert [one["said"] for one in LABELLED["unsaid"] if ground(one["document"]).place(one["said"])] == []
    names = sorted({one["document"] for one in LABELLED["placed"]})
    foreign = [(one["said"], name) for one in LABELLED["placed"] for name in names if name != one["document"]]
    placed = [pair for pair in foreign if ground(pair[1]).place(pair[0])]
    assert len(placed) <= 0.01 * len(foreign)


def letters(text: str) -> str:
    """What is left when signs, spaces and line ends are taken out."""
    return "".join(filter(str.isalnum, text)).lower()


@pytest.mark.parametrize("name", ["docs/scale.md", "docs/quotas.md", "docs/jobs.md", "README.md", *MODULES])
def test_a_documents_own_sentences_are_found(name: str) -> None:
    """As extraction quotes them: nearly all that stand there once, and where they stand."""
    lines = text_of(name).split("\n")
    whole = letters(without_marks(text_of(name)))
    own = [one.text for one in sentences(without_marks(text_of(name))) if one.text.count(" ") >= 3]
    own = [said for said in own if whole.count(letters(said)) == 1]
    places = [ground(name).place(said) for said in own]
    assert sum(one is not None for one in places) >= 0.98 * len(own)
    for said, found in zip(own, places, strict=True):
        if found is not None:
            first, last = found["lines"]
            assert letters(said)[:30] in letters("\n".join(lines[first - 1 : last]))


def test_a_heading_before_a_quote_does_no_harm() -> None:
    """Extraction puts a telling heading before the first sentence below it."""
    text = "# Backups\n\nSome words of no weight.\n\nThey are kept for thirty days."
    assert lines_of(place("Backups: They are kept for thirty days", document(text))) == [5, 5]


SECTIONS = """# Queue

It holds what is to be done.
The default is 30 seconds.

## Lock

It keeps others out, and whoever
wants it waits. The default is 30 seconds.

Bus
===

See the lock.

The default is 30 seconds.

## Clock

It ticks.

## Pool: size

It may grow. The default is 30 seconds.
"""


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("Queue: The default is 30 seconds.", [4, 4]),
        ("Lock: The default is 30 seconds.", [9, 9]),
        ("**Lock**: The default is 30 seconds", [9, 9]),
        ("Bus: The default is 30 seconds.", [16, 16]),
        ("Pool: The default is 30 seconds.", [24, 24]),
        ("Pools, size: The default is 30 seconds.", [24, 24]),
    ],
)
def test_a_sentence_that_stands_under_several_headings_is_found_under_its_own(said: str, lines: list[int]) -> None:
    """Which extraction has put before it."""
    assert lines_of(place(said, document(SECTIONS))) == lines


@pytest.mark.parametrize("heading", ["Umbrella", "loc", "Clock", "Lock Queue", "Nowhere at all", "It is"])
def test_words_that_are_no_heading_of_a_repeated_sentence_give_no_place(heading: str) -> None:
    """Rather than the first one by chance."""
    assert place(f"{heading}: The default is 30 seconds.", document(SECTIONS)) is None


def test_a_sentence_that_stands_twice_has_no_place() -> None:
    """Nothing says which of the two is meant; twice in one line is one place."""
    text = "One.\nNobody may delete a backup alone.\nTwo.\nNobody may delete a backup alone."
    assert place("Nobody may delete a backup alone.", document(text)) is None
    assert lines_of(place("It is all closed.", document("It is all closed. It is all closed."))) == [1, 1]


@pytest.mark.parametrize(
    ("before", "under", "lines"),
    [
        (["It keeps others out"], "", [8, 9]),
        (["It holds what is to be done."], "Lock", [3, 4]),
        (["Zebras are striped."], "Lock", [9, 9]),
        (["It ticks for all."], "", None),
        (["It may grow.", "It holds what is to be done."], "", [3, 4]),
        ([], "Bus", [16, 16]),
        ([], "Clock", None),
        ([], "", None),
    ],
)
def test_a_repeated_sentence_is_found_by_what_is_said_before_it(
    before: list[str], under: str, lines: list[int] | None
) -> None:
    """Next to the last sentence that has a place, under the same heading; else below the answer's own heading."""
    found = ground_of_sections().place("The default is 30 seconds.", before, under)
    assert (found and found["lines"]) == lines


@cache
def ground_of_sections() -> Ground:
    """Counted once."""
    return Ground(document(SECTIONS))


def test_a_heading_that_stands_twice_tells_nothing_apart() -> None:
    """Each shop has its hours."""
    text = "# Basel\n\n## Hours\n\nIt opens at nine.\n\n# Thun\n\n## Hours\n\nIt opens at nine.\n"
    assert place("The hours: It opens at nine.", document(text)) is None
    assert place("Basel, hours: It opens at nine.", document(text)) is None


MACHINES = [
    (f"Machine {chr(65 + number // 60)}{number % 60}", f"The maximum load of it is {200 + number * 3} kilograms.")
    for number in range(240)
]
OILED = "It must be oiled every two weeks."


@pytest.mark.parametrize("number", [0, 52, 172, 239])
def test_a_sentence_of_many_sections_is_found_in_the_one_that_is_spoken_of(number: int) -> None:
    """However many have it, with headings or without, and in the order of the document only."""
    name, load = MACHINES[number]
    own = Ground(document("\n".join(f"## {name}\n\n{load}\n{OILED}\n" for name, load in MACHINES)))
    assert lines_of(own.place(OILED, [f"{name}: {load}"])) == [5 * number + 1, 5 * number + 4]
    assert lines_of(own.place(OILED, [], name)) == [5 * number + 4, 5 * number + 4]
    plain = Ground(document("\n".join(f"{name}: {load}\n{OILED}" for name, load in MACHINES)))
    assert lines_of(plain.place(OILED, [f"{name}: {load}"])) == [2 * number + 1, 2 * number + 2]
    turned = Ground(document("\n".join(f"{OILED}\n{load}\n\n{name} ends.\n" for name, load in MACHINES)))
    assert turned.place(OILED, [load]) is None


QUEUE = '''"""Queue.get_nowait and Queue.get: see there."""

class Queue:
    """Holds items."""

    def get(self):
        """Remove and return an item.

        Unlike get_nowait() it waits.
        """

    def get_nowait(self):
        """Remove and return an item."""

    def peek(self):
        def get_first():
            # Hello.
            """Remove and return an item."""
'''


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("`Queue.get_nowait`", [13, 13]),
        ("Queue.get()", [7, 7]),
        ("get_first", [18, 18]),
        ("peek", None),
        ("Queue", None),
        ("see", None),
        ("get nowait", None),
    ],
)
def test_a_repeated_sentence_is_found_in_the_definition_of_its_name(name: str, lines: list[int] | None) -> None:
    """A mention further up is no heading."""
    found = place(f"{name}: Remove and return an item.", document(QUEUE))
    assert (found and found["lines"]) == lines


def test_wrapped_prose_gives_the_lines_of_its_sentence() -> None:
    """From where the sentence begins to where it ends."""
    text = (
        "Intro.\n\nThe archive keeps each backup\nfor thirty days, and the vault in\nZürich one of each year.\n\nEnd."
    )
    assert lines_of(place("Backups are kept thirty days, one a year in the vault in Zürich", document(text))) == [3, 5]


def test_sentences_before_a_statement_widen_its_place_where_they_stand_beside_it() -> None:
    """Over an empty line, and into a line that begins with something else; to MOST_LINES."""
    text = (
        "Its window holds what its shards hold.\n\n"
        "The vendor's lack is never more than that of all the shards.\n"
        "2. *Nothing stranded.* Who would have to wait for the lock of another one has looked at all shards once more, "
        "and\nfrom the first to the last."
    )
    before = ["The vendor's lack is never more than that of all the shards.", "Its window holds what its shards hold."]
    said = "Who would have to wait for the lock of another one has looked at all shards once more"
    counted = Ground(document(text))
    assert lines_of(counted.place(said)) == [4, 4]
    assert lines_of(counted.place(said, before)) == [1, 4]
    assert lines_of(counted.place(said, ["Zebras are striped.", before[1]])) == [4, 4]
    assert counted.place("Zebras are striped.", before) is None
    rules = [f"Rule {n * 11} speaks of zebras." for n in range(1, 40)]
    assert lines_of(Ground(document("\n".join(rules))).place(rules[29], rules[:29])) == [30 - MOST_LINES + 1, 30]


def test_a_page_is_that_of_the_statement_itself() -> None:
    """Sentences before it may stand on the page before."""
    text = "First page of words.\n\nThe rent is 900 euros.\nIt is due on the third."
    found = Ground(document(text, "application/pdf", pages=[0, 22])).place(
        "It is due on the third.", ["First page of words.", "The rent is 900 euros."]
    )
    assert found == {"page": 2, "quote": "The rent is 900 euros. It is due on the third."}


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("`send_all` gives an event to the listeners of a topic.", [15, 18]),
        ("The size property is the number of listeners over the topics.", [10, 13]),
        ("A topic may have 5 listeners (`LIMIT`).", [3, 4]),
    ],
)
def test_code_is_shown_from_the_definition_on(said: str, lines: list[int]) -> None:
    """With its decorators and its documentation, and before the lines that only use the name."""
    assert lines_of(place(said, document(CLASS))) == lines


def test_a_definition_wins_over_words_about_it() -> None:
    """A table of contents may say it in nearer words; where the name is defined is where to look."""
    text = f'"""Contents.\n\nrun(bus)   drains the bus of events at once\n"""\n\n{CLASS}'
    assert lines_of(place("`run` drains a bus at once.", document(text))) == [26, 29]


def test_a_long_definition_is_narrowed_to_the_lines_that_say_it() -> None:
    """The first twenty lines of a class are no place."""
    text = (
        'class Store:\n    """Keeps things.\n\n'
        + "".join(f"    Rule number {n}.\n" for n in range(12))
        + "    Zebras are evicted from a Store at midnight by the janitor.\n"
        + "    More.\n" * 20
    )
    assert lines_of(place("A `Store` evicts its zebras at midnight: the janitor does.", document(text))) == [16, 16]


def test_figures_and_names_count_more_than_words() -> None:
    """One line has the words, the other the words and the figure."""
    text = "The quota of the model is 100,000 tokens.\nx\nx\nThe quota of the model is 60,000 tokens.\n"
    assert lines_of(place("A model with a quota of 60,000 tokens", document(text))) == [4, 4]


def test_two_places_that_are_as_good_are_none() -> None:
    """Rather no place than one of two at random."""
    text = "Apples ripen in Norway in autumn.\nx\ny\nIn autumn apples in Norway are ripe, ripen or rot."
    assert place("Norway has apples that ripen late in autumn", document(text)) is None


@pytest.mark.parametrize("said", ["", "It is.", "…", "The the the.", "42"])
def test_a_statement_that_says_nothing_has_no_place(said: str) -> None:
    """Whatever the document holds."""
    assert place(said, document("It is. The 42 things.\nThe rent is 900 euros.")) is None


def test_an_empty_document_has_no_place() -> None:
    """Nor has one of empty lines."""
    assert place("The rent is 900 euros.", document("")) is None
    assert place("The rent is 900 euros.", document("\n\n")) is None


def test_a_pdf_has_pages() -> None:
    """Counted from 1 by the characters at which they begin."""
    text = "First page of words.\n\nThe rent is 900 euros a month.\n\nThird page."
    found = place("The rent is 900 euros a month", document(text, "application/pdf", pages=[0, 22, 54]))
    assert found == {"page": 2, "quote": "The rent is 900 euros a month."}


def test_text_that_is_not_its_files_own_has_a_quote_and_no_lines() -> None:
    """The lines of text that was taken out of HTML are nowhere to be looked up."""
    text = "Words.\n\nThe rent is 900 euros a month."
    assert place("The rent is 900 euros a month", document(text, "text/html")) == {
        "quote": "The rent is 900 euros a month."
    }


def test_a_quote_is_short_on_one_line_and_cites_nothing() -> None:
    """A document's own marks are no citations of the answer."""
    text = "The rent\n   is 900 euros [7] and [2:14] a month, " + "and so on " * 30
    found = place("The rent is 900 euros 7 and 2 14 a month", document(text))
    assert found is not None
    assert found["quote"].startswith("The rent is 900 euros (7) and (2:14) a month,")
    assert len(found["quote"]) <= QUOTED
    assert found["quote"].endswith("…")


def test_chinese_is_found_by_pairs_of_signs() -> None:
    """Which have no spaces between words."""
    text = "第一行没有什么。\n备份保存三十天，然后删除。\n最后一行。"
    assert lines_of(place("备份会保存三十天", document(text))) == [2, 2]


@pytest.mark.parametrize(
    ("line", "name", "is_so"),
    [
        ("    async def send(self):", "send", True),
        ("class Bus(Base):", "Bus", True),
        ("func (b *Bus) Send(e Event) error {", "Send", True),
        ("export const limit = 5;", "limit", True),
        ("LIMIT: int = 5", "LIMIT", True),
        ("  public void send(Event e) {", "send", True),
        ("fn send<T>(x: T) {", "send", True),
        ("    bus.send(event)", "send", False),
        ("    return send(event)", "send", False),
        ("if send == 5:", "send", False),
        ("from bus import send", "send", False),
        ("# send is nice", "send", False),
    ],
)
def test_lines_that_define_a_name(line: str, name: str, is_so: bool) -> None:
    """In many languages, by their look alone."""
    assert defines(line, name) is is_so


def test_a_block_ends_with_its_indentation() -> None:
    """Or at the bracket that closes it, and after MOST_LINES at the latest."""
    lines = ["// Sends.", "func send(", "  e Event,", ") error {", "  go(e)", "}", "func next() {}"]
    assert block(lines, 1) == (0, 5)
    assert block(["def f():", *["    x"] * 50], 0) == (0, MOST_LINES - 1)


HOSTILE = {
    "one word": ("a " * 500_000 + "b", "a " * 500 + "b"),
    "one line": ("x" * 1_000_000, "x" * 1000),
    "brackets": (("foo" + "(" * 390 + "\n") * 2500, "foo() foo bar_baz a.b is the one that opens"),
    "names": (("aa_b aa_b " * 30 + "\n") * 3000, " ".join(f"aa_b{i} aa_b" for i in range(200))),
    "definitions": (("def f_f():\n" + "  x\n" * 30) * 8000, "`f_f` f_f() x is defined here"),
    "wide": (("a" + " " * 59) * 16_000 + " b", "a " * 500 + "b"),
    "headings": (
        ("Lock\n" + "#" * 59 + "\n") * 8000 + "Nobody may delete it.\n" * 20_000,
        "Lock: Nobody may delete it.",
    ),
    "sections": (("lock\n" * 40 + "Nobody may delete it.\n") * 4500, "Lock lock: Nobody may delete it."),
    "signs": (
        ("#" * 70 + "\n") * 7000 + ("- " * 40 + "\nNobody may delete it.\n") * 5000,
        "Lock: Nobody may delete it.",
    ),
    "common": ("\n".join(f"w{i % 140}" for i in range(200_000)), " ".join(f"w{i}" for i in range(40)) + " z"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_take_little_time(name: str) -> None:
    """A million characters: they are counted in seconds at the worst, and looked through in less."""
    text, said = HOSTILE[name]
    started = time.process_time()
    counted = Ground(document(text))
    assert time.process_time() - started < 6
    started = time.process_time()
    counted.place(said)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_take_little_time_for_sentences_that_share_a_mark(name: str) -> None:
    """A dozen that stand everywhere, below a heading."""
    text, said = HOSTILE[name]
    counted = Ground(document(text))
    started = time.process_time()
    counted.place(said.rpartition(": ")[2], [said.rpartition(": ")[2]] * 6 + [said] * 6, "Lock lock")
    assert time.process_time() - started < 2
