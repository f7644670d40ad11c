"""Complaints about the last answer are recognised; ordinary requests, however full of such words, are not."""

from __future__ import annotations

import time

import pytest

from rota.outcomes.frustration import is_frustrated

COMPLAINTS = """
That's wrong.
that’s wrong, the capital is Canberra
No, that is still wrong
No. This is not correct.
It's still wrong
That is simply not true.
That's not what I asked.
not what I asked for
No!! That is not what I meant
This isn't what I asked?
Sorry, but that doesn't answer my question
That does not help at all.
This makes no sense.
Still wrong.
Wrong answer!
Incorrect.
You didn't answer my question
You still haven't answered the question about the deposit
You are not listening.
You're wrong
You misunderstood me, I want the date
You completely missed the point
You got it wrong
You keep repeating the same answer
I already told you that the lease ends in March
As I said, only the second clause matters
I've asked this three times
Try again.
try again, please
Again!
Just answer my question.
Why don't you just answer my question?
Are you kidding me?
I give up.
Das ist falsch.
Nein, das ist immer noch falsch!
Das stimmt so nicht.
Das ist nicht, was ich gefragt habe
Das habe ich nicht gefragt.
Danach habe ich nicht gefragt
Du hast meine Frage nicht beantwortet
Sie haben mich falsch verstanden.
Ich habe doch schon gesagt, dass es um den Mietvertrag geht
Falsch!
Noch einmal.
Das hilft mir nicht weiter
C'est faux.
Non, c'est toujours faux
Ce n'est pas ce que j'ai demandé
C'est pas ça.
Tu n'as pas compris ma question
Vous n'avez pas répondu à ma question
Je t'ai déjà dit que c'est en mars
N'importe quoi !
Réessaie.
Eso está mal.
No, eso no es correcto
No es lo que pregunté
No me has entendido
Ya te dije que es en marzo
¡Otra vez mal!
Eso no me ayuda.
Inténtalo de nuevo
That answer is wrong.
Your answer is wrong
This is not what I wanted at all
that's incorrect, it should be 42
You're still not answering my question
I don't think you understood my question
That was not helpful
You didn't understand what I want
it still isn't right
Nope, wrong again
Nein, du hast mich falsch verstanden
Das ist immer noch nicht richtig.
Deine Antwort ist falsch
Das war nicht meine Frage
Ta réponse est fausse
Ce n'est toujours pas ça !
Tu ne réponds pas à ma question
Tu respuesta es incorrecta
Eso no es lo que quería
No respondiste mi pregunta
Sigue mal
This isn't right.
No that's not it
That is not an answer.
That's completely useless
you ignored my second question
You didn't even read my message
That's still not correct, look at page 3
Read my question again.
Sorry, that's not what I meant.
I just told you the date
What the hell?
Das war falsch, es sind 12 Monate
Das ist leider nicht hilfreich.
Das wollte ich nicht wissen
Schon wieder falsch
Ihre Antwort war falsch.
C'est toujours incorrect.
Ce n'est pas la bonne réponse
Vous ne répondez pas à la question
Eso sigue mal.
Todavía no has respondido
Eso es falso
"""

REQUESTS = """
What is the capital of Australia?
Explain why 2 + 2 = 5 is wrong.
What's wrong with this code?
That's a great start; now add tests.
That is the file I mean. Summarise it.
This is wrong in clause 3 and right in clause 5: explain.
Is this correct?
This is not correct German, please fix the grammar: "Das ist falsch."
Translate into German: that's not what I asked
"That's wrong." Translate this into French.
`That's wrong` is printed by the script; where does that come from?
Write an error message that asks the user to try again.
Try again later is what the site says. Why?
Try again with the other file
Read the contract again and list the parties
Again and again the pump fails; what may be the reason?
Once again we invite tenders; write the notice.
Answer the question using the documents below.
Answer my questions about the lease one by one
I asked my landlord about the deposit, what can I do?
I asked for a refund and got no reply. Draft a reminder.
I already have a draft, improve it
I just started learning Rust, where do I begin?
You are a helpful assistant. Summarise the text.
You are not allowed to mention prices. Write the advert.
You didn't pay the invoice: write this politely
You got a parcel for me? Write that as a formal question
You keep bees; describe your day
This does not work on Windows, only on Linux. How do I fix it?
It still fails with ECONNRESET. What else can I check?
It is wrong to lie: discuss Kant's view
No more than 100 words: what does the lease say?
No idea where to begin; which chapter comes first?
Sorry for the long text. Summarise it.
Why do customers say that we don't listen?
Why don't you need a licence for a bicycle?
Are you able to read PDF files?
What the heat pump costs is in table 2; add it up.
Stop the server when the disk is full: how?
The answer was wrong in 12 of 50 cases. Compute the error rate.
Wrong answers cost a point; how many points are left after 7?
Das ist der Vertrag. Wann endet er?
Das ist falsch geschrieben, wie heißt es richtig?
Das hilft mir sehr, danke. Und die Kaution?
Ich habe den Vertrag schon gelesen; was bedeutet Klausel 4?
Ich habe nach dem Termin gefragt und keine Antwort bekommen. Schreibe eine Mahnung.
Noch einmal zahlen will der Mieter nicht; muss er?
Nein heißt nein: schreibe einen Aufsatz
Falsch abgerechnete Nebenkosten: welche Frist gilt?
Du bist ein hilfreicher Assistent.
Versuche es mit der zweiten Datei
C'est quoi un bail commercial ?
C'est un faux contrat ? Vérifie les signatures.
Ce n'est pas urgent, mais quand se termine le bail ?
Je t'ai envoyé le contrat. Résume-le.
Tu n'as pas besoin de citer les sources.
Non, seulement la deuxième page, s'il te plaît
¿Qué está mal en este código?
Eso es todo. Gracias.
Esto no es urgente: resume el contrato
Ya tengo el borrador, mejóralo
No me acuerdo del nombre del autor, ¿quién es?
Otra vez subió el alquiler; ¿es legal?
Incorrecto o correcto: clasifica cada frase
That's what I asked my lawyer. What would you say?
You are wrong if you think the lease ends in May: write a polite letter
I said in the mail that we will pay. Is that binding?
That is not true of all mammals; name exceptions
This isn't urgent
The test is wrong, fix it
Wrong: 3 + 4 = 8. Correct it.
It's still raining, suggest an indoor game
You keep what you kill: where is this quote from?
As I said to the board, margins fell. Write the minutes.
No, yes or maybe: classify each reply
Das ist nicht der Vertrag, sondern der Anhang. Fasse ihn zusammen.
Das war die erste Frage. Die zweite: wann endet der Vertrag?
Du hast drei Äpfel und isst einen. Wie viele bleiben?
Ich habe bereits einen Entwurf
Ce n'est pas moi qui ai signé. Suis-je lié ?
Tu as compris le théorème ? Explique-le.
Eso no es todo: añade la cláusula 4
No he leído el contrato, resúmelo
Ya dije que sí al contrato; ¿puedo retirarme?
Again: what is a lease?
Are you serious about security? is our slogan; improve it
This is not right-aligned; fix the CSS
That's not it costs but what it is worth: proofread
You ignored list items in your earlier draft is how the review begins. Continue it.
Your answer key is missing question 4
The answer is wrong, says my teacher. Is it?
Still waters run deep: meaning?
I told you so: write a short story with this title
That was a good summary. Now the second chapter.
This is useless information for most readers; which paragraphs can go?
It is what it is. Explain the saying.
Help me understand this clause
Why do people keep lying?
Nochmals vielen Dank! Wann endet die Frist?
Das war die falsche Datei; hier ist die richtige. Fasse sie zusammen.
Sie haben Post: schreibe einen Slogan
Was soll das Gesetz bewirken?
C'est pas cher ? Compare les prix.
Vous avez compris la leçon : écris une suite
Eso es todo lo que tengo; resume
No entiendo la cláusula 4
De nuevo en casa: escribe un poema
"""


def lines(text: str) -> list[str]:
    """One example a line."""
    return text.strip().splitlines()


@pytest.mark.parametrize("text", lines(COMPLAINTS))
def test_a_complaint_is_recognised(text: str) -> None:
    """In four languages, after an interjection or none, at the beginning of the text."""
    assert is_frustrated(text)


@pytest.mark.parametrize("text", lines(REQUESTS))
def test_a_request_is_none(text: str) -> None:
    """Words of complaint that belong to the task, to a quotation or to what is told."""
    assert not is_frustrated(text)


def test_accents_and_curly_apostrophes_do_not_matter() -> None:
    """As people type on phones and on foreign keyboards."""
    assert is_frustrated("ce n’est pas ce que j'ai demande")
    assert is_frustrated("eso esta mal")
    assert is_frustrated("völlig egal? Nein, das ist falsch") is False
    assert is_frustrated("das ist vollig falsch")


def test_long_texts_take_no_longer() -> None:
    """Only the beginning is looked at, and no text makes the patterns run away."""
    began = time.perf_counter()
    for text in ("no, " * 100_000, "that is " + "still " * 100_000, '"' * 100_000, "that's wrong. " + "x" * 1_000_000):
        is_frustrated(text)
    assert time.perf_counter() - began < 0.5
