"""Check ``impersonation``: a text that claims a role the session does not have.

The session's role is known from the login. A claim of that same role is fine; a question *about* a director is no
claim; whoever says to be one, to speak for one, or to hold one's rights, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from allotment.guards._finding import Context, Finding, allow, refuse
from allotment.guards._normalise import Form, Prepared
from allotment.guards._patterns import Rules, evidence, rule
from allotment.guards._ranks import RANKS, lexicon, own_concepts, role_words

NAME = "impersonation"
_NEARBY = 24
"""Characters after a claim in which the department it is about may stand: manager *of sales*."""

_START = (
    r"(?:^|[.,:;!?(\"*-] ?|\band |\bbut |\bso |\bplease |\bnow |\ba |\bale |\bproto |\btakze |\bund |"
    r"\baber |\bi )"
)
_FILL = (
    r"(?:(?:the|a|an|your|our|my|new|newly|acting|interim|deputy|senior|lead|chief|general|managing|"
    r"company|company's|actual|"
    r"real|official|appointed|current|now|actually|really|also|still|just|in fact|one of|only|"
    r"regional|global|financial|"
    r"commercial|technical|sole|proud|legitimate|authorized|authorised|verified|called|officially|already|today|"
    r"novy|nova|novym|novou|tvuj|tva|tve|tvoje|tvoj|vas|vase|nas|nase|nasim|sam|sama|samotny|samotna|"
    r"generalni|generalny|generalna|financni|"
    r"financny|financna|financnim|obchodni|obchodny|obchodna|vykonny|vykonna|vykonnym|technicky|"
    r"technicka|skutecny|skutecna|"
    r"opravdu|skutecne|vlastne|totiz|prece|ted|nyni|teraz|take|taky|tiez|tady|zde|tu|zdejsi|ten|ta|to|"
    r"on|jeho|jeji|toho|tohoto|pana|pani|pan|"
    r"der|die|das|ein|eine|einer|dem|den|des|unser|unsere|unseres|euer|ihr|ihre|dein|deine|neue|neuer|"
    r"neuen|selbst|wirklich|"
    r"jetzt|doch|hier|herr|herrn|frau|mr|mrs|ms|sir) ){0,5}"
)
_I_AM = (
    r"(?:\bi am|\bi'm|\bim|\bi m|\bme,|\bi was (?:just |recently )?(?:made|named|appointed|"
    r"promoted to|hired as)|\bi(?:'ve| have) (?:just |recently )?"
    r"(?:been (?:made|named|appointed|promoted to|hired as)|become)|\bi (?:became|act as|acting as|"
    r"work as|serve as|speak as|write as|identify as|"
    r"am acting as|am here as|am logged in as|am speaking as|am writing as|am asking as|"
    r"am now acting as)|\bspeaking as|\bsigned in as|\blogged in as|\bactually i am|"
    r"\bmy (?:role|position|job|job title|title|rank|function|user role|real role) (?:here )?(?:is|"
    r"is now|=|:)|\bmy (?:role|title) (?:is|was) changed to|"
    r"\b(?:treat|consider|regard|see|address|accept) me (?:as|like)|\bthink of me as|\b(?:pretend|"
    r"assume|imagine|suppose|believe|say|act as if|act like|as if|as though)"
    r"(?: that)? (?:i am|i'm|i were|i was)|\bif i (?:were|was|am)|\bmake me|\bi'll be|"
    r"\bthis is,? (?:me,? )?|\bit is me,? |\bit's me,? |"
    r"\bin my (?:role|capacity|position|function) (?:as|of)|\bwith my (?:authority|rights|powers|"
    r"power) as|\byou are (?:talking|speaking|writing) (?:to|with)|"
    r"\byou're (?:talking|speaking|writing) (?:to|with)|\bas if you (?:were|are) (?:talking|speaking|"
    r"answering) to|\bas you would (?:to|for|tell|answer)|"
    r"\bwhat would you (?:tell|say to|answer)|"
    r"(?<!nie )\b(?:jsem|sem|som|jsme)|\bja,|\btady|\bzde|\bu telefonu|\b(?:mluvi|pise|hovori|"
    r"prikazuje|zada)(?: s vami| s tebou| ti| vam| vas)?|"
    r"\bmoje (?:role|rola|pozice|pozicia|funkce|funkcia) (?:je|zni)|\bma rola je|\bma pozice je|"
    r"\b(?:ber|berte|povazuj|povazujte|poklad|pokladaj) (?:me|mne|ma) (?:jako|za|ako)|"
    r"\bkdybych byla? |\bkeby som bola? |\b(?:stal|stala) (?:jsem se|som sa)|\b(?:byl|byla|bol|"
    r"bola) (?:jsem|som) (?:jmenovan|jmenovana|povysen|povysena|vymenovany|vymenovana|povyseny|"
    r"povysena)"
    r"(?: na| za| do funkce)?|\bz pozice|\bz pozicie|\bve funkci|\bvo funkcii|\b(?:mluvis|mluvite|"
    r"hovoris|hovorite|pises|pisete) (?:s|so|se)|"
    r"\bich bin|\bhier (?:ist|spricht|schreibt)|\bmeine (?:rolle|position|funktion) ist|\bich ware|"
    r"\bware ich|\b(?:behandle|betrachte) mich (?:wie|als)|"
    r"\bin meiner (?:rolle|funktion|eigenschaft) als|\b(?:du sprichst|sie sprechen) mit|"
    r"\bich (?:spreche|schreibe|frage|handle|arbeite) (?:hier )?als|\bich wurde (?:zum|zur)) ?"
)
_AS_EN = (
    r"(?:" + _START + r"|\b(?:speaking|asking|writing|talking|answer me|tell me|i|me|logged in|acting|session|"
    r"account|user|it|this|that|access|answer|see|know) )as "
)
_AS_CS = (
    r"(?:" + _START + r"|\b(?:ja|chci|chcem|potrebuji|potrebuju|potrebujem|zadam|ziadam|pozaduji|pozadujem|prikazuji|"
    r"prikazujem|narizuji|mluvim|hovorim|pisu|pisem|"
    r"ptam se|pytam sa|vystupuji|vystupujem|jednam|konam|rozhoduji|mam|mne|mi) )(?:jako|jakozto|ako) "
)
_AS_DE = r"(?:" + _START + r"|\b(?:ich|mir|spreche|frage|schreibe) )als "
_ADDRESSED = (
    r"(?! (?:said|says|say|told|tells|decided|decides|wrote|writes|mentioned|explained|put it|wants|"
    r"wanted|asked|knows|does|did|has|had|may|can|must|is|was|"
    r"announced|approved|prescribes|rekl|rekla|rozhodl|rozhodla|uvedl|uvedla|napsal|napsala|oznamil|"
    r"oznamila|povedal|povedala|ma|muze|musi|smi|"
    r"hat|sagte|sagt|darf|muss|kann|entschied)\b)"
)
_SPEAKS_FOR = (
    r"(?:\bon behalf of|\bin the name of|\bby order of|\bon the orders? of|\bon orders? (?:from|of)|"
    r"\bunder the authority of|\bwith the (?:authority|permission|approval|consent|blessing) of|"
    r"\bsent by|\bdelegated by|\bauthori[sz]ed by|\b(?:i|we) (?:represent|speak for|act for|"
    r"am acting for|stand in for|fill in for|am standing in for|am filling in for)|\bi(?:'m|"
    r" am) (?:asking|writing|speaking|calling|acting|standing in|filling in|deputi[sz]ing|here) "
    r"(?:on behalf of|for|instead of)|\bjmenem|\bv zastoupeni|\bz povereni|\bpovereny|\bpoverena|"
    r"\bna prikaz|\bna pokyn|\bna zadost|\bse souhlasem|\bs povolenim|\bv mene|\bv zastupeni|"
    r"\bz poverenia|\bs povolenim|\bso suhlasom|"
    r"\bna ziadost|\bzastupuji|\bzastupuju|\bzastupujem|\bim namen|\bim auftrag|\bauf anweisung|"
    r"\bin vertretung|\bich vertrete|\bmit (?:erlaubnis|genehmigung)) (?:von |vom )?"
)
_RIGHTS = (
    r"(?:rights|privileges?|access|permissions?|clearance|authority|authori[sz]ation|credentials|"
    r"level|powers|account|password|token|role)"
)


def _one_of(words: Mapping[str, str]) -> str:
    return "(?:" + "|".join(f"(?P<{name}>(?:{pattern}))" for name, pattern in words.items()) + r")\b"


@lru_cache(maxsize=64)
def claim_patterns(roles: frozenset[str]) -> Rules:
    """The patterns of claims for a project's roles; a match's last group name is the concept claimed."""
    words = lexicon(roles)
    names = {f"c{index}": concept for index, concept in enumerate(words)}
    ranks = {name: words[concept] for name, concept in names.items()}
    # "the sales director": a role's word in front of a rank belongs to the rank.
    of_role = "(?:(?:" + "|".join(role_words(role) for role in sorted(roles)) + ") )?"
    who = of_role + _one_of(ranks)
    mine = _one_of({name: words for name, words in ranks.items() if names[name] in roles})
    anyone = re.sub(r"\(\?P<\w+>", "(?:", who)
    return Rules(
        rule(
            _I_AM
            + _FILL
            + who
            + r"(?!'s? (?!assistant|deputy|secretary|right|delegate|son|wife|husband|representative|proxy|"
            r"office)\w| (?:mode|meeting|level meeting|position)\b)"
        ),
        rule(
            _I_AM + r"(?:\w{1,15}(?<!ing) )?(?:assistant|secretary|deputy|representative|delegate|proxy|right hand|"
            r"asistent\w{0,3}|sekretar\w{0,3}|zastupc\w{0,2}|assistent\w{0,2}|stellvertreter\w{0,2}) (?:of |"
            r"to |for |des |der )?" + _FILL + who
        ),
        rule(
            r"\b(?:i am|i'm|this is|my name is|jsem|som|ich bin|tady|hier ist|jmenuji se|"
            r"volam sa) (?!\w{1,20}ing\b|not\b|unsure|sure|sorry|worried)\w{1,20} ?\w{0,20}(?:,| and i am|"
            r" and i'm| -| und bin| a jsem| a som) ?"
            + _FILL
            + who
            + r"(?=$|[,.!:;-]| (?:of|from|at|here|speaking|and|spolecnosti|firmy|a) ?)"
        ),
        rule(_AS_EN + _FILL + who + _ADDRESSED + r"(?!'s)"),
        rule(_AS_CS + _FILL + who + _ADDRESSED),
        rule(_AS_DE + _FILL + who + _ADDRESSED),
        rule(_SPEAKS_FOR + _FILL + who),
        rule(_START + _FILL + who + r" (?:here|speaking|calling|writing)\b(?! (?:to|about|with)\b)"),
        rule(
            r"\b(?:i|i've) (?:hold|have|got|carry|was given) the (?:rank|title|position|role|office|function) of "
            + _FILL
            + who
        ),
        rule(r"\bi(?:'ve| have) (?:recently |just |now )?been " + _FILL + who),
        rule(r"\b(?:i am|i'm) \w{1,20} ?\w{0,20} (?:from|of|on) " + _FILL + who + r"(?=$|[,.!:;])"),
        rule(r"\b(?:i am|i'm) with " + _FILL + who),
        rule(
            r"\b" + who + r"(?: himself| herself)? (?:has |have |had |just |already |personally )?(?:authori[sz]ed|"
            r"permitted|allowed|cleared|approved|granted|gave|given|delegated)(?: it)?(?: to)? (?:me|"
            r"us)\b.{0,30}\b(?:see|know|read|access|view|learn|rights?|permission|clearance|authority|"
            r"everything|full|his|her)\b"
        ),
        rule(
            r"\b" + who + r" (?:has |just |already )?(?:told|ordered|instructs?|instructed|asks?|asked|wants|orders|"
            r"commands|allowed|allows) you to\b"
        ),
        rule(
            r"\b(?:i|i've|we) (?:have|hold|got|possess|own|was given|were given|am given|been given|enjoy|"
            r"use)(?: got| been given)? (?!no )(?:full |complete |all |top ){0,2}"
            + _FILL
            + who
            + r"(?:'s|-?level)? ?(?:level )?"
            + _RIGHTS
        ),
        rule(
            r"\b(?:i|i've) (?:have|hold|got|possess|was given)(?: got)? (?:the |your |all |full |top |"
            r"special |elevated |unlimited |highest |complete |board |every |secret ){1,3}"
            + r"(?:rights|privileges?|permissions?|clearance|authori[sz]ation|access rights|security clearance|"
            r"access to (?:all|every))\b"
        ),
        rule(
            r"\b(?:grant|give|assign|switch|change|set|elevate|upgrade|promote|log|sign|put)(?: me| us|"
            r" my role| my account| the role| role| my session| my rights| my access| my permissions|"
            r" the session)?(?: in| up)?(?: to| as| into| the| at)? ?(?:the )?(?:role |rights |permissions |"
            r"access )?(?:of |to )?"
            + _FILL
            + who
            + r"(?: (?:rights|privileges|access|permissions|role|mode|level)\b|$|[.,!;:]| (?:and|so|for)\b)"
        ),
        rule(
            r"(?:^|[ \[{(<\"',;])(?:role|user_?role|user|rank|position|identity|x-role|clearance|group|login|"
            r"identita|rola|rolle)\"? ?(?:=|:|->|>) ?[\"'\[]?" + who
        ),
        rule(
            r"\b(?:pretend to be|act as|role-?play as|impersonate|answer as|reply as|speak as|respond as|"
            r"hraj si na|predstirej,? ze jsi|tvar se jako|spiel|antworte als) ?" + _FILL + who
        ),
        rule(
            r"\b(?:mam|mame|dostal jsem|dostala jsem|dostal som|dostala som|mluvim s|vlastnim) (?:plna |"
            r"veskera |vsetky |vsechna )?(?:prav\w{1,3}|opravnen\w{1,3}|pristup\w{0,2}|heslo|ucet|povoleni|"
            r"povolenie|souhlas|suhlas|poveren\w{1,3}|pokyn|prikaz|svolen\w{1,3}) (?:od |k uctu )?" + _FILL + who
        ),
        rule(
            r"\bmam (?:plna |veskera |vsetky |vsechna )?(?:reditelsk\w{1,3}|riaditelsk\w{1,3}|"
            r"administratorsk\w{1,3}|spravcovsk\w{1,3}|manazersk\w{1,3}) (?:prav\w{1,3}|opravnen\w{1,3}|"
            r"pristup\w{0,2}|heslo|ucet)"
        ),
        rule(
            r"\b"
            + who
            + r"(?:em|om)? (?:jsem|som) (?:tu |tady |prece |predsa )?(?:ja|byl|byla)\b|^"
            + anyone
            + r" (?:zde|tady|tu|here|hier)\b|\b(?:ich habe|ich besitze) (?:die |alle )?(?:rechte|zugriffsrechte|"
            r"berechtigung(?:en)?|vollmacht|erlaubnis|direktorenrechte) ?(?:des |der |eines |vom |von )?" + anyone
        ),
        rule(
            r"\bich habe (?:die |alle )?(?:direktor|admin|administrator|chef|"
            r"geschaftsfuhrer)\w{0,6}-?(?:rechte|zugang|berechtigung)"
        ),
        rule(
            r"\b(?:reditel\w{0,3}|riaditel\w{0,3}|sef\w{0,3}|vedeni|vedenie|predstavenstvo) (?:mi|"
            r"nam) (?:to )?(?:dovolil\w?|povolil\w?|schvalil\w?|umoznil\w?|dal\w? (?:prav|pristup|povolen|"
            r"souhlas|suhlas)\w{0,3}|poveril\w?)"
        ),
        rule(
            r"\b(?:i work|i am working|i'm working|we work|i am employed|pracuji|pracuju|pracujem|delam|robim|"
            r"ich arbeite|i am|i'm|we are|we're|jsem|som|ich bin) (?:currently |actually |now |here |part |"
            r"a part |a member |one )?(?:in|from|of|with|for|z|ze|zo|v|ve|vo|aus|im|in der|"
            r"aus dem) (?:the (?=\w{2,20} (?:team|department|staff))|(?<=from )the |(?<=work in )the )?" + mine
        ),
    )


@lru_cache(maxsize=64)
def _trigger(roles: frozenset[str]) -> Rules:
    """Matches in every sentence a claim can match in: one pass that spares most texts all the others."""
    ranks = "|".join(f"(?:{words})" for words in lexicon(roles).values())
    found = rule(
        rf"\b(?:{ranks})\b|\b(?:rights|privileges?|permissions?|clearance|authori[sz]ation|access to|"
        rf"reditelsk|riaditelsk|"
        r"administratorsk|spravcovsk|manazersk|vedeni|vedenie|predstavenst|direktor|reditel|riaditel|"
        r"admin|chef|geschaftsf|sef)"
    )
    return Rules(found)


def make_ready(roles: frozenset[str]) -> None:
    """Compile the patterns of claims now, which takes longer than most questions."""
    claim_patterns(roles)
    _trigger(roles)


def check_impersonation(text: Prepared, context: Context) -> Finding:
    """Refuse a claim of a rank or role other than the session's, of its rights, or of speaking for it."""
    roles = frozenset(context.roles)
    for form in text.forms:
        for claim in _claims(form, roles):
            if not _truthful(claim, roles, context.principal.role):
                return refuse(NAME, evidence(form.how, claim))
    return allow(NAME)


def without_own_claims(form: Form, context: Context) -> str | None:
    """The whole text without truthful claims of the session's own role; none where it says nothing of that role.

    Where the role's words still stand, "employee" takes their place: everybody may say to be one.
    """
    roles, role = frozenset(context.roles), context.principal.role
    own = {claim.group() for claim in _claims(form, roles) if _truthful(claim, roles, role)}
    told = form.whole
    for words in sorted(own, key=len, reverse=True):
        told = told.replace(words.strip(), " ")
    told = _own_words(role).sub("employee", told)
    return None if told == form.whole else " ".join(told.split()).strip(" ,.;:!-")


@lru_cache(maxsize=64)
def _own_words(role: str) -> re.Pattern[str]:
    every = [role_words(role), *(RANKS[concept] for concept in sorted(own_concepts(role)) if concept in RANKS)]
    return re.compile(rf"\b(?:{'|'.join(every)})\b") if role else re.compile(r"(?!)")


def _claims(form: Form, roles: frozenset[str]) -> tuple[re.Match[str], ...]:
    """Every claim in a form, looked for once."""
    if roles not in form.kept:
        form.kept[roles] = tuple(_found(form.sentences, roles))
    claims: tuple[re.Match[str], ...] = form.kept[roles]
    return claims


def _found(text: str, roles: frozenset[str]) -> Iterator[re.Match[str]]:
    """Every claim in a text of one sentence a line."""
    triggers = _trigger(roles)
    (trigger,), present = triggers, triggers.present(text)
    lines = (line for line in text.split("\n") if any(need in line for need in present))
    yield from claim_patterns(roles).in_lines([line for line in lines if trigger.compiled.search(line)])


def _truthful(claim: re.Match[str], roles: frozenset[str], role: str) -> bool:
    """Whether what is claimed is what the session knows: the role itself, or a manager within it."""
    concepts = list(lexicon(roles))
    claimed = {concepts[int(name[1:])] for name, words in claim.groupdict().items() if words is not None}
    if not claimed:
        return False
    own = own_concepts(role)
    nearby = claim.string[claim.start() : claim.end() + _NEARBY]
    inside = re.search(rf"\b(?:{role_words(role)})\b", nearby) is not None
    return all(concept in own or (concept == "manager" and inside) for concept in claimed)
