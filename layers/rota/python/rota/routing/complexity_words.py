"""Words that tell how demanding a request is: English, and the commonest of the same in German, French and Spanish.

Lower case with accents; `analy*` is every word that begins so; `root-cause` is the words `root cause`, one after the
other. A word of the text counts once per signal. Groups name ideas, not the requests that they were tried on.
"""

from __future__ import annotations

REASON = """
analy* assess* argue argued argument* assumption* balanc* causal* causation causes compar* conclu* cons consequence*
contradict* contrast* convinc* counterexample* criteria criterion critical* criticis* critique* decide* deciding
decision* deduc* defend* deriv* design* diagnos* differentiat* dilemma* disprov* distinguish* drawback* evaluat*
evidence explain* explanation* extrapolat* feasib* forecast* formulat* generalis* generaliz* hypothes* implication*
infer inferred inference* insight* interdepend* interplay interpret* investigat* justif* limitation* mechanism* model
modelling modeling nuance* objection* optimi* paradox* perspective* persuad* plausib* predict* prioriti* proof* pros
prove proves proving quantif* rank ranking rationale realistic reason* recommend* reconcil* reconstruct* reflect*
refut* rethink* root-cause* second-order score scoring strateg* synthes* tension* trade-off* tradeoff* troubleshoot*
underlying unintended validat* verif* viewpoint* weigh* why
abschätz* abwäg* abzuwäg* analysier* annahme* architektur* auswirkung* begründ* beurteil* beweis* bewert* einschätz*
empfehl* empfiehl* entwerf* entwirf* erklär* erläuter* folgerung* herleit* hypothese* kriteri* optimier*
schlussfolger* strategi* unterscheid* untersuch* ursache* vergleich* vor-und-nachteile warum weshalb widerleg*
widerspr*
wieso zielkonflikt* zusammenhang*
analyse* argument* compare* conception concevoir conçois conséquence* critère* critiqu* démontr* distingu* estime*
expliqu* évalu* hypothès* inconvénient* justifi* pourquoi priorit* prouv* raisonn* recommand* stratég* synthét*
analiz* analíz* compár* consecuencia* criterio* demostr* demuestr* desventaja* diseñ* estrateg* evalú* explic* explíc*
explíq* hipótesis justifi* por-qué predic* razon* recomend* recomiend* sintet* ventaja*
"""
"""Asks for judgement, or for reasons."""

OPEN = """
advice advise* alternative* approach* are-we better build compromise* could-we create do-you-think does-it-matter
draft* fix help-me how-can-we how-come how-could how-did how-do-we how-does how-far how-is how-might how-should
how-would idea ideas improv* is-it-possible is-it-true is-it-worth make-sense
opinion option options outline* plan planning plans prefer* propos* rather redesign* repair* restructur* rework*
should shouldn solution* solve* suggest* to-what-extent what-am-i what-can-i what-can-we what-could what-do-you
what-happens what-if what-is-going-on what-is-wrong what-makes what-next what-now what-s-going-on
what-s-wrong what-should what-went what-will what-would where-do where-does where-would
worth would-you wrong
alternativ* besser entwickle* lösung* soll sollen sollte* verbesser* vorschlag* vorschläge was-kann was-tun was-würde*
wie-gehe* wie-kann wie-lässt wie-würde* würdest
amélior* comment-faire comment-puis conseil* devrais devrait dois-je faut-il mieux plutôt que-faire que-pens*
alternativa* consej* cómo deberí* debo desarroll* mejor* propon* qué-hago qué-harí*
"""
"""A question that has no one answer, or a wish for advice or a plan."""

RIGOR = """
all-of-them always any arbitrar* at-all bound bounded bounds consistent* converge* correct* counterexample* every
exact exactly formal* guarantee* impossib* invariant* largest lower-bound* maximal maximum minimal minimum necessar*
never optimal* possib* proof* provabl* prove refut* regardless rigor* smallest sound soundness strictly sufficient
upper-bound* whatever whenever worst-case
beweis* exakt* garant* hinreich* immer niemals notwendig* optimal* stets unmöglich*
exacte* garant* impossib* jamais nécessaire* prouv* suffisant* toujours
demostr* exact* garant* imposib* necesari* nunca siempre suficient*
"""
"""Exactness that has to be argued for."""

DEMANDS = """
although as-few as-little as-well at-least at-most at-the-same-time avoid* both budget* but comprehensive* conflict*
consider* constraint* deadline* depend* despite each edge-case* end-to-end ensur* except fewer-than fit fits given-that
however if in-detail includ* incomplete instead keep less-than limit limits maintain* more-than multiple must mustn
neither nor only-if only-when otherwise preserv* require* respect* rule-out satisf* several simultaneous* so-that still
subject-to taking-into-account thorough* though uncertain* unless whereas whether while within without yet
aber anforderung* ausführlich* beacht* berücksichtig* damit falls gleichzeitig höchstens jedoch jeweils mindestens muss
müssen obwohl ohne sodass sonst sowohl unter-berücksichtigung vermeide* wenn während weder
afin au-moins au-plus bien-que chaque contrainte* doit doivent en-même-temps en-tenant-compte exigence* évite* mais
respect* sans sinon tandis tout-en
al-menos al-mismo-tiempo aunque cada como-máximo debe deben evita* mientras para-que pero requisito* respet* sin
"""
"""Conditions that an answer has to meet, several things at a time."""

VOICE = """
audience* character* dialogue* essay* funny humor* humour* ironic* irony lyric* metaphor* narrat* natural* novel*
poem* pun puns rhyme* rhythm* satir* scene* sing song* stories story style* sung tone voice wordplay
erzähl* gedicht* geschichte* ironi* reim reime stil stimme tonfall witzig*
histoire* ironi* poème* rime* voix
historia* poema* rima* tono
"""
"""Form, tone and readers of what is to be written."""

ENGINEERING = """
algorithm* api apis architect* async asynchron* atomic* authenticat* backend backpressure base-de-données bottleneck*
buffer* bug bugs cache* caching cluster* compiler* complexity concurren* cpu crash* data-structure* database* deadlock*
debug* deploy* distributed docker embedded encrypt* endpoint* exception* fault-toler* firmware framework*
frontend function* generics gpu idempot* implement* interface* invariant* iterator* java javascript kernel kubernetes
latency leak* library linker lock lock-free locking locks memory microservice* middleware migrat* mutex*
operating-system parser* performance pipeline* pointer* production protocol* python queries query queue* race
race-condition*
rate-limit* recursion refactor* regex* replica* retries retry scalab* scheduler* schema* script* server* shard*
simulat* socket* sql state-machine* stream* tenant* terraform thread* throughput timeout* transaction* type-inference
type-system* typescript unit-test* vulnerab* websocket*
abfrage* datenbank* funktion* implementier* leistung nebenläufig* schnittstelle* skalier* skript* verteilt*
concurrence distribué* fonction* implément* performances requête* répartie*
arquitectura* base-de-datos consulta* distribuid* funciones función rendimiento
"""
"""Software and what is hard about it."""

EXPERTISE = """
acquisition* arbitrat* audit* clause* complian* contract* copyright* court* custody* data-protection due-diligence
fraud* gdpr hipaa indemn* inherit* jurisdiction* law laws lawsuit* lawyer* legal* liab* licens* litigat* merger*
negligen* patent* provision* regulat* statut* tax taxes tenant*
anticoag* blood cancer cardiac chemo* clinical* comorbid* contraindicat* dementia diabet* diagnos* dosage dose* drug
drugs haemorrhag* hemorrhag* hypertens* medic* mental-health palliative patient* pregnan* renal side-effect* stroke
suicid* surg* symptom* therap* treatment* tumor* tumour* vaccin*
antitrust bankrupt* board bond bonds cash-flow* derivatives equity financ* fiscal hedg* inflation insolven* invest*
monetary mortgage* pension* portfolio* subsid* tariff* valuation*
autonomy bargain* ceo coalition* collusion* confidential* conscience consent dilemma* duties duty equilib* ethic*
fairness game-theor* incentive* auction* moral* nash negotiat* obligation* policies policy politic* union
unions voting whistleblow*
algebra* bayes* bias* calculus causal* combinator* confidence-interval* confound* conjectur* convex correlation
counterfactual* differential* distribution* eigen* endogen* equation* estimator* geometr* graph* heterogen* infinit*
instrumental* integer* irrational lemma* markov matrix modulo null-hypothesis p-value* polynom* prime probabilit*
rational regression* sample* sampling significan* statistic* stochastic theorem* topolog* trial trials variance
byzantin* consensus cryptograph* deadlock* floating-point garbage-collector linearizab* livelock* lock-free
memory-model* memory-order* np-complete np-hard numerical* paxos quorum* race-condition* raft rounding serializab*
side-channel* starvation undefined-behavio* wait-free zero-knowledge
breach* incident* outage* risk risks safety security
electromagnet* entropy frequency genetic* oscillat* quantum relativ* resonan* stability thermal thermodynam* turbulen*
voltage
allegor* ambigu* ambivalen* epistem* hermeneut* metaphys* philosoph* subtext
arzt* blut* datenschutz* diagnose* dosierung* dsgvo erbe erben erbschaft* ethi* finanz* gericht* gewissen* haftet
haftung* integral* klage* klausel* konverg* krebs kündig* nebenwirkung* patient* pflicht* recht rechtlich* schwanger*
sicherheit* sorgerecht* steuer* stetig* therapie* vertrag* vorstand* wahrscheinlich*
conscience contrat* convergen* effets-secondaires enceinte fiscal* hémorrag* héritage juridiqu* licenciement* médec*
probabilit* responsabilit* rgpd sécurité théorème* éthiqu*
cláusula* conciencia contrato* cáncer despido* efectos-secundarios embaraz* herencia impuest* jurídic* médic*
probabilid* responsabilid* seguridad teorema* étic*
"""
"""Fields in which a wrong answer does harm, or few can tell that it is wrong."""

TERSE = """
answer-with brief briefly easy in-a-sentence in-a-word in-one-sentence in-one-word just
no-explanation no-other nothing-else one-line one-sentence one-word only-a only-one only-the
quick quickly reply-with short shortly simple simply single-word true-or-false two-sentences 2-sentences yes-or-no
ein-wort kurz kurze* nichts-weiter nur
bref brièvement seulement un-mot uniquement
breve* solamente solo una-palabra
"""
"""The answer is to be short."""

FORM = """
can-i can-you categor* classif* convert* define* definition extract* format* grammar hashtag* headline* how-do-i
how-do-you how-long how-many how-much how-often how-old how-to is-there label* lowercase paraphras* proofread*
reformat* rename* rephrase* reply sentiment shorten* sort sorted spam spell* subject-line synonym* tag tags title*
translat* typo* uppercase what-are what-do-i what-does what-is when-is where-is which-of who-is
extrahier* ja-oder-nein klassifizier* liste* ordne rechtschreib* wandle was-heißt was-ist welche* wer-ist wie-lange
wie-viel wie-viele übersetz*
combien convertis* extrai* oui-ou-non orthograph* qu-est-ce quel quel-est quelle quelle-est quelles quels tradui*
clasific* conviert* cuál-es cuánt* dónde extrae* ortograf* qué-es qué-significa sí-o-no traduc*
"""
"""A matter of form or of looking something up."""

ORDER = """
after-that afterwards finally first next second step steps subsequently then third
anschließend danach dann schließlich schritt* zuerst zuletzt
d-abord enfin ensuite puis étape*
después finalmente luego paso pasos primero
"""
"""One thing after the other."""

WORDS = {
    "reasoning": ((2, REASON), (1, OPEN)),
    "code": ((1, ENGINEERING),),
    "steps": ((1, ORDER),),
    "expertise": ((1, EXPERTISE),),
    "demands": ((2, RIGOR), (1, DEMANDS), (1, VOICE)),
    "routine": ((2, TERSE), (1, FORM)),
}
"""For each signal, the points that a word of a group gives it."""
