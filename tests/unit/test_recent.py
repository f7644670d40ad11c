"""Questions put again are told from other questions by their words alone, and no text is kept for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rota.outcomes.recent import (
    KEPT_S,
    WITHIN_MS,
    Question,
    RecentQuestions,
    question_of,
    rephrased,
    rephrases,
    similarity,
)
from tests.fixtures.outcomes import TABLE, outcomes_table

NOW = 1_795_183_200_000

# Written down before it was known what is recognised; the second half of each after the threshold was chosen.
AGAIN = """
What is the capital of Australia? | Which city is the capital of Australia?
How do I reset my password? | I need to reset my password, how?
How do I reset my password? | How can I reset the password of my account?
Summarise the risks in this contract | What are the risks in the contract?
Why is my build failing on Windows? | My build fails on Windows, why?
When does the lease end? | On which date does the lease end exactly?
How many tokens per minute does nova-pro allow? | What is the tokens per minute limit of nova-pro?
Write a function that sorts a list of dates | Write a Python function to sort a list of dates in descending order
Explain quantum entanglement simply | Explain quantum entanglement like I'm five
What does the error ECONNRESET mean? | What is the meaning of the error ECONNRESET in Node?
Compare Postgres and MySQL for analytics | Postgres or MySQL for analytics: which is better?
List the countries that border Germany | Which countries border Germany? List all of them.
Translate this letter into French | No, translate the whole letter into French
Who wrote the report on emissions? | Who is the author who wrote the emissions report?
What changed in version 2.0? | What changed between version 1.9 and version 2.0?
How much does the enterprise plan cost? | What does the enterprise plan cost per month?
Find the clause about termination | Where is the termination clause?
Give me a recipe for vegan lasagne | A vegan lasagne recipe without nuts, please
Was kostet der Enterprise-Tarif? | Wie viel kostet der Enterprise-Tarif pro Monat?
Wann endet der Mietvertrag? | An welchem Datum endet der Mietvertrag genau?
Warum schlägt mein Build fehl? | Mein Build schlägt fehl, woran liegt das?
Fasse die Risiken des Vertrags zusammen | Welche Risiken hat der Vertrag? Fasse sie zusammen.
Quelle est la capitale de l'Australie ? | Quelle ville est la capitale de l'Australie ?
Comment réinitialiser mon mot de passe ? | Je veux réinitialiser mon mot de passe, comment faire ?
Quand se termine le bail ? | À quelle date exacte se termine le bail ?
¿Cuál es la capital de Australia? | ¿Qué ciudad es la capital de Australia?
¿Cómo restablezco mi contraseña? | Quiero restablecer mi contraseña, ¿cómo se hace?
¿Cuándo termina el contrato de alquiler? | ¿En qué fecha termina el contrato de alquiler?
Is the deposit refundable? | Can I get the deposit refunded, i.e. is it refundable?
best way to learn Rust | what's the best way to learn Rust quickly
What is the boiling point of ethanol? | Boiling point of ethanol in Celsius?
How do I cancel my subscription? | I want to cancel my subscription
Which employees joined in 2025? | List the employees who joined in 2025
Show the revenue by quarter | What was the revenue per quarter?
Does the warranty cover water damage? | Is water damage covered by the warranty?
Draft a reply to the landlord | Draft a polite reply to the landlord
Who is liable for damage in transit? | Who bears liability for damages in transit?
Convert this JSON to CSV | Convert the JSON file into a CSV file
Why did sales drop in March? | What made sales drop in March?
Wie kündige ich mein Abo? | Ich möchte mein Abo kündigen
Wer haftet für Transportschäden? | Wer haftet bei Schäden im Transport?
Deckt die Garantie Wasserschäden ab? | Sind Wasserschäden von der Garantie abgedeckt?
Comment annuler mon abonnement ? | Je voudrais annuler mon abonnement
La garantie couvre-t-elle les dégâts des eaux ? | Les dégâts des eaux sont-ils couverts par la garantie ?
¿Cómo cancelo mi suscripción? | Quiero cancelar mi suscripción
¿La garantía cubre daños por agua? | ¿Cubre la garantía los daños por agua?
"""
ANOTHER = """
What is the capital of Australia? | What is the population of Australia?
What is the capital of Australia? | What is the capital of New Zealand?
How do I reset my password? | How do I change my email address?
Summarise the risks in this contract | Summarise the payment terms in this contract
Why is my build failing on Windows? | How do I install Docker on Windows?
When does the lease end? | What is the monthly rent of the lease?
Write a function that sorts a list of dates | Now write unit tests for that function
Explain quantum entanglement simply | What is superposition?
Compare Postgres and MySQL for analytics | How do I install Postgres on Debian?
List the countries that border Germany | List the largest cities in Germany
Translate to German: Good morning | Translate to German: Good evening
Translate to German: the cat sleeps | Translate to German: the invoice is overdue
Classify the sentiment: I love this phone | Classify the sentiment: the battery died after a week
Who wrote the report on emissions? | What does the report say about methane?
What changed in version 2.0? | How do I upgrade to version 2.0?
How much does the enterprise plan cost? | Does the enterprise plan include support?
Find the clause about termination | Find the clause about liability
Give me a recipe for vegan lasagne | What wine goes with lasagne?
Was kostet der Enterprise-Tarif? | Enthält der Enterprise-Tarif Support?
Wann endet der Mietvertrag? | Wie hoch ist die Kaution im Mietvertrag?
Warum schlägt mein Build fehl? | Wie richte ich einen Build auf Windows ein?
Quelle est la capitale de l'Australie ? | Quelle est la population de l'Australie ?
Comment réinitialiser mon mot de passe ? | Comment changer mon adresse e-mail ?
¿Cuál es la capital de Australia? | ¿Cuál es la capital de Nueva Zelanda?
¿Cómo restablezco mi contraseña? | ¿Cómo cambio mi correo electrónico?
Summarise chapter 1 of the book | Summarise chapter 2 of the book
Is the deposit refundable? | How large is the deposit?
best way to learn Rust | best way to cook rice
Write a tweet about our product launch | Write a blog post about our product launch
Extract the invoice number from: invoice 4711 dated 3 May | Extract the invoice number from: invoice 4712 dated 4 May
What is the boiling point of ethanol? | What is the melting point of ethanol?
How do I cancel my subscription? | How do I upgrade my subscription?
Which employees joined in 2025? | Which employees joined in 2024?
Show the revenue by quarter | Show the costs by quarter
Does the warranty cover water damage? | How long is the warranty?
Draft a reply to the landlord | Draft a complaint to the landlord
Who is liable for damage in transit? | Who is liable for theft in transit?
Convert this JSON to CSV | Convert this CSV to JSON
Why did sales drop in March? | Why did sales rise in March?
Wie kündige ich mein Abo? | Wie ändere ich mein Abo?
Wer haftet für Transportschäden? | Wer haftet für Diebstahl?
Comment annuler mon abonnement ? | Comment payer mon abonnement ?
¿Cómo cancelo mi suscripción? | ¿Cuánto cuesta mi suscripción?
¿La garantía cubre daños por agua? | ¿La garantía cubre daños por fuego?
Translate to French: I am late | Translate to French: I am ill
Write a haiku about autumn | Write a haiku about winter
"""


def pairs(text: str) -> list[tuple[Question, Question]]:
    """The pairs of questions, a minute apart."""
    texts = [line.split(" | ") for line in text.strip().splitlines()]
    return [(question_of(one, "ada", NOW), question_of(other, "ada", NOW + 60_000)) for one, other in texts]


def asked(text: str, at_ms: int = NOW, user: str = "ada") -> Question:
    """A question."""
    return question_of(text, user, at_ms)


@pytest.fixture
def store() -> Iterator[RecentQuestions]:
    """The questions of one test."""
    with outcomes_table() as dynamodb:
        yield RecentQuestions(dynamodb, TABLE)


def test_most_questions_put_again_are_noticed_and_others_hardly_ever() -> None:
    """28 of 46 in other words; of 46 others about the same thing one, which has the same words in another order."""
    assert sum(rephrases(*pair) for pair in pairs(AGAIN)) >= 28
    assert [pair for pair in pairs(ANOTHER) if rephrases(*pair)] == [
        pairs("Convert this JSON to CSV | Convert this CSV to JSON")[0]
    ]


def test_the_same_text_again_says_nothing() -> None:
    """A program's repetition, or a client's whose reply was lost; case and punctuation make no other text."""
    first = asked("What is the capital of Australia?")
    assert not rephrases(first, asked("What is the capital of Australia?", NOW + 1000))
    assert not rephrases(first, asked("what is the capital of australia", NOW + 1000))
    assert similarity(first, asked("What is the capital of Australia?", NOW + 1000)) == 1.0


@pytest.mark.parametrize(("later_ms", "noticed"), [(0, True), (WITHIN_MS, True), (WITHIN_MS + 1, False), (-1, False)])
def test_only_within_ten_minutes(later_ms: int, noticed: bool) -> None:
    """Afterwards a similar question is a new one."""
    first, again = (
        asked("Why is my build failing on Windows?"),
        asked("My build fails on Windows, why?", NOW + later_ms),
    )
    assert rephrases(first, again) is noticed


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("Summarise chapter 1 of this long book", "Please summarise chapter 2 of this long book"),
        ("Why?", "But why?"),
        ("Continue", "Please continue"),
        ("…", "?"),
        ("", ""),
    ],
)
def test_other_numbers_and_too_few_words_are_no_repetition(first: str, then: str) -> None:
    """A series of like tasks, and questions that say nothing by themselves."""
    assert not rephrases(asked(first), asked(then, NOW + 1000))


def test_a_number_may_be_added() -> None:
    """What was asked for is said more exactly."""
    assert rephrases(asked("Which employees joined the company?"), asked("Which employees joined the company in 2025?"))


def test_long_texts_carry_material_and_are_not_compared() -> None:
    """Two questions about the same pasted text have nearly all words in common."""
    material = " ".join(f"word{'abcdefghij'[at // 10]}{'abcdefghij'[at % 10]}" for at in range(90))
    first, second = asked(f"When does it end? {material}"), asked(f"Who signed it? {material}", NOW + 1000)
    assert first.words == second.words == frozenset()
    assert not rephrases(first, second)
    assert len(asked(" ".join(material.split()[:64])).words) == 64


def test_two_users_never_repeat_each_other() -> None:
    """Hashes are salted with the user: the same words are other numbers, and the table does not link people."""
    ada, bob = asked("What is the capital of Australia?"), asked("Which city is the capital of Australia?", user="bob")
    assert not ada.words & bob.words
    assert all(0 <= word < 2**32 for word in ada.words | bob.words)


def test_the_latest_of_those_alike_is_the_one_put_again() -> None:
    """Its answer did not serve; what was asked between does not matter."""
    first = replace(asked("How do I reset my password?"), decision_id="d-1")
    second = replace(asked("I need to reset my password, how?", NOW + 30_000), decision_id="d-2")
    between = asked("What is the capital of Australia?", NOW + 40_000)
    again = asked("How can I reset the password of my account?", NOW + 60_000)
    assert rephrased([first, second, between], again) == second
    assert rephrased([between], again) is None
    assert rephrased([], again) is None


def test_a_program_that_fills_in_a_template_repeats_nothing() -> None:
    """Three alike before it: a person would have given up, or said so."""
    names = ("Ada", "Bob", "Eve", "Joe", "Kim")
    series = [asked(f"Write a friendly birthday greeting card for {name}", NOW + at) for at, name in enumerate(names)]
    assert rephrases(series[0], series[1])
    assert [bool(rephrased(series[:at], series[at])) for at in range(5)] == [False, True, True, False, False]


def test_the_store_keeps_the_last_five_for_an_hour(store: RecentQuestions) -> None:
    """Read back as they were, with the decision and tier of their answers; older ones fall out."""
    assert store.of("ada", NOW) == []
    questions = [
        replace(asked(f"Question about {topic}", NOW + at), decision_id=f"d-{at}", tier=1)
        for at, topic in enumerate(("rent", "deposit", "heating", "garden", "noise", "pets"))
    ]
    for question in questions:
        store.remember("ada", store.of("ada", NOW + 10), question)
    assert store.of("ada", NOW + 10) == questions[1:]
    assert store.of("bob", NOW + 10) == []
    assert store.of("ada", NOW + KEPT_S * 1000 + 3) == questions[4:]


def test_no_word_reaches_the_table() -> None:
    """Numbers and the decision's id are all there is; the item goes by itself."""
    with outcomes_table() as dynamodb:
        RecentQuestions(dynamodb, TABLE).remember("ada", [], asked("Is my neighbour Eve allowed to keep a crocodile?"))
        [item] = dynamodb.scan(TableName=TABLE)["Items"]
    assert not any(word in str(item).lower() for word in ("crocodile", "neighbour", "eve"))
    assert item["expires_s"] == {"N": str(NOW // 1000 + KEPT_S)}
    assert len(str(item)) < 400
