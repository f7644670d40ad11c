"""Words by which people say that the last answer was wrong: in English, German, French and Spanish.

Only how a text begins is judged, after interjections and without what it quotes, and most patterns must end a clause:
"That's wrong." is a complaint, "That's wrong in clause 3, isn't it?" a question, "Fix: that's wrong" a task. Tight
rather than complete: an ordinary request taken for a complaint would cost a dearer model.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

LOOKED_AT = 400
"""Characters."""

# One pattern a line, of what a text begins with. `~` stands for the language's adverbs, `$` for
# the end of a clause, `%` for that of a sentence.
_INTERJECTIONS = """
no nope nah hm+ um uh ugh argh wtf sorry ok okay well but hey come\\ on seriously oh thanks
nein nee aber also hallo naja tja mann non mais bon euh desole pero oye perdon bueno
"""
_ENGLISH_ADVERBS = "still just simply completely totally clearly plain so all even actually again"
_ENGLISH = r"""
(that|this)('s| is| was) ~(wrong|incorrect|nonsense|rubbish|garbage|useless|ridiculous|hopeless)( again)?$
(that|this)('s| is| was) ~not ~(right|correct|true|helpful|useful|it|an answer|the answer)$
(that|this) (isn't|wasn't) ~(right|correct|true|helpful|useful|it|an answer|the answer)$
it(('s| is) still (wrong|incorrect|not (right|correct))| still isn't (right|correct))$
(that|your) answer (is|was) ~(wrong|incorrect|not (right|correct|helpful))$
((that|this|it)('s| is| was) )?(still )?not what i('ve| have| had|'d| was|'m| am)? (asked|asking|meant|wanted|said|need)
(that|this) (isn't|wasn't) what i (asked|meant|wanted|said|need)
(that|this|it) ~(doesn't|does not|didn't|did not) ~(answer (my|the) question|help( me)?( at all)?$|make (any )?sense$)
(that|this) makes no sense( at all)?$
(wrong|incorrect)( answer)?%
(still wrong|wrong again)$
(i don't think )?you ~(didn't|did not|haven't|have not) ~answer(ed)? (me|my|the question|what i)
you ~(don't|do not|didn't|did not|never) ~((understand|read) (me|my|what i)|(listen|get it|help( me)?( at all)?)$)
i don't think you understood
you('re| are) ~(wrong|mistaken|useless|hopeless|not listening|not helping)$
you('re| are) ~not (answering|reading) (my|what i)\b
you ~(have )?(misunderst(ood|and) (me|my|the question|what i)|ignored (my|what i)|missed (the point|my))
you got (it|that|this) ~wrong
you keep (repeating|ignoring|making|giving me|getting|saying|telling me)\b
(as |like )?i (already|just) (said|told you|asked|explained)\b
(as|like) i said$
i('ve| have) (already )?(asked|told|said|explained)( you)?( this| that| it)? (twice|(three|many) times|already|before)
(please )?(just )?(try|read (it|that|my (question|message))) again$
(please )?(just )?answer my (actual |original )?question$
why (don't|won't|can't|didn't) you ~(answer my|listen$|understand (me|what i))
(once )?again%
(are you (kidding|serious|stupid|dumb|joking)( me)?|for (god|heaven|fuck)'s sake|what the (hell|heck|fuck)|i give up)$
"""
_GERMAN_ADVERBS = (
    "doch ja immer\\ noch schon\\ wieder wieder leider einfach vollig komplett total ganz so gar uberhaupt"
)
_GERMAN = r"""
das (ist|war) ~(falsch|unsinn|quatsch|blodsinn|nutzlos|nicht (richtig|korrekt|hilfreich|wahr))$
das (ist|war) ~nicht( das)?,? (was|wonach) ich\b
das stimmt ~nicht$
das hilft (mir )?~nicht( weiter)?$
das beantwortet (meine|die) frage ~nicht
das (habe|hab|hatte) ich ~nicht (gefragt|gemeint|gesagt|gewollt)
das (meinte|wollte) ich ~nicht
(deine|ihre) antwort (ist|war) ~(falsch|nicht richtig)$
das (ist|war) ~nicht meine frage$
danach (habe|hab|hatte) ich ~nicht gefragt
~falsch%
(du hast|sie haben) (mich|mir|meine frage|die frage) ~(nicht|falsch|missverstanden)
du (verstehst mich|horst mir|horst) ~nicht
ich (habe|hab) ((es|dir|das|ihnen) )*(doch|schon|bereits)( schon| gerade)? (gesagt|gefragt|geschrieben|erklart|mehrmals)
(bitte )?(nochmals?|noch (ein)?mal)( bitte)?%
(bitte )?(versuche?|versuchen sie|probiere?) (es )?(nochmals?|noch (ein)?mal|erneut)$
was soll (das|der (mist|quatsch|unsinn))$
"""
_FRENCH_ADVERBS = "toujours encore completement totalement tout\\ simplement vraiment du\\ tout"
_FRENCH = r"""
(ce n'est|c'est|c'etait) ~(faux|incorrect|errone|n'importe quoi|inutile|nul)$
(ce n'est|c'est) ~pas ~(correct|juste|bon|vrai|ca|exact|la bonne reponse)$
(ce n'est|c'est) ~pas ~ce que (j'ai|j'avais|je)\b
ce n'est pas ma question$
~faux%
(ta|votre) reponse est ~(fausse|incorrecte)$
(tu|vous) (n'as|n'avez|as|avez) ~(pas|rien|mal) (compris|repondu|lu)
(tu|vous) ne (me )?(comprends|comprenez|m'ecoutes|m'ecoutez|reponds|repondez) ~(pas|rien)
je (l'ai|t'ai|vous ai|te l'ai|vous l'ai) deja (dit|demande|explique)
j'ai deja (dit|demande|explique)
(ca|cela) ne (m'aide|repond|sert) ~(pas|a rien)
(reessaye|reessaie|reessayez|recommence|recommencez|essaie encore|essayez encore|encore une fois|n'importe quoi)%
"""
_SPANISH_ADVERBS = "todavia aun todo muy totalmente"
_SPANISH = r"""
(eso|esto) ~(esta|sigue|sigue estando) ~mal$
(eso|esto) ~(es (incorrecto|falso|inutil)|no es (correcto|cierto|verdad|asi))$
((eso|esto) )?no es (eso )?lo que (te |le )?(he )?(pedi|pedido|pregunte|preguntado|queria|quise|dije)\b
~no (me |lo )?(has|ha) (entendido|contestado|respondido|leido)
no (me )?(entiendes|entendiste|respondiste|contestaste|escuchas)( (bien|nada|la pregunta|mi pregunta))?$
ya (te|le|lo|te lo|se lo) (dije|he dicho|pregunte|he preguntado|pedi|he pedido|explique|he explicado)\b
(eso|esto) no (me )?(ayuda|sirve|responde)( (de nada|nada|a mi pregunta))?$
(tu|su) respuesta (es|esta) ~(incorrecta|equivocada|falsa|mal)$
((otra vez|de nuevo|sigue|esta) mal|incorrecto|falso|otra vez|de nuevo)%
(por favor,? )?(intentalo|intenta|pruebalo) (de nuevo|otra vez)$
"""
_CLAUSE_ENDS, _SENTENCE_ENDS = r"(?=\s*([.!?,;:…–—]|-\s|\Z))", r"(?=\s*([.!?…]|\Z))"
_LANGUAGES = (
    (_ENGLISH, _ENGLISH_ADVERBS),
    (_GERMAN, _GERMAN_ADVERBS),
    (_FRENCH, _FRENCH_ADVERBS),
    (_SPANISH, _SPANISH_ADVERBS),
)


def is_frustrated(text: str) -> bool:
    """Whether a text begins by complaining about the last answer."""
    return _complaints().match(_opening(text)) is not None


@cache
def _complaints() -> re.Pattern[str]:
    """All patterns as one, compiled when it is first needed."""
    lines = [
        line.replace("~", f"(({_any(adverbs)}) )*")
        for text, adverbs in _LANGUAGES
        for line in text.strip().splitlines()
    ]
    pattern = rf"(({_any(_INTERJECTIONS)})\b[\s,.!?…–—-]*)*({'|'.join(lines)})"
    return re.compile(pattern.replace("$", _CLAUSE_ENDS).replace("%", _SENTENCE_ENDS))


def _any(words: str) -> str:
    """One of these words, between which stand blanks; a word's own are escaped."""
    return "|".join(re.split(r"(?<!\\)\s+", words.strip()))


def _opening(text: str) -> str:
    """How a text begins: lower case, without accents, quotations and code."""
    plain = unicodedata.normalize("NFKD", text[:LOOKED_AT].replace("’", "'")).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"```.*?(```|$)|`[^`]*`|[\"“”„«][^\"“”»]*[\"“”»]|(?<!\w)'[^'\n]{2,}'(?!\w)", "…", plain, flags=re.S)
    return plain.strip(" \t\r\n¡¿>*_-")
