"""Words for ranks and roles in English, Czech, Slovak and German, folded (lower case, no diacritics)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType

RANKS: Mapping[str, str] = MappingProxyType(
    {
        "director": (
            r"(?:managing |executive )?directors?|directress|reditel(?:e|i|em|ka|ky|ku|ce|kou|stvi|uv|ov)?|"
            r"riaditel(?:a|ovi|om|ka|ky|ku|ke|kou)?|"
            r"direktor(?:s|in|en)?|geschaftsfuhrer(?:s|in)?|geschaeftsfuehrer(?:in)?|jednatel(?:e|em|ka|ky|"
            r"kou)?|konatel(?:a|om|ka|ky|kou)?|"
            r"prokurist(?:a|ka)?"
        ),
        "ceo": r"ceo|chief executive(?: officer)?|generalni reditel(?:ka|em|kou)?",
        "chief": (
            r"c[fotimr]o|cpo|cso|ciso|chief [a-z]{2,14}(?: [a-z]{2,14})? officer|chief of staff|"
            r"finanzchef(?:in)?|financni(?:m|ho|ka)? sef(?:ka|em|a)?"
        ),
        "board": (
            r"(?:executive|management|leadership) (?:team|board)|executives?|geschaftsfuhrung|geschaftsleitung|"
            r"(?:board|executive|supervisory board) members?|(?:the|our|your|company|entire|"
            r"whole) board(?: of directors)?|member of the board|"
            r"chair(?:man|woman|person)?(?: of the board)?|(?:clen(?:ka|em|om|kou)?|predsed(?:a|kyne|nicka|"
            r"ou)) (?:predstavenstva|spravni rady|dozorci rady|spravnej rady)|"
            r"predstavenstv(?:o|a|em|om)|vorstand(?:s|smitglied)?|aufsichtsrat(?:s|smitglied)?"
        ),
        "president": r"(?:vice |vice-)?president|vp|prezident(?:a|ka|em|kou)?",
        "owner": (
            r"(?:co-?)?owner(?! of (?:a|an|my)\b)|(?:co-?)?founder|shareholder|"
            r"(?:spolu)?majitel(?:e|em|a|om|ka|ky|kou)?|"
            r"vlastni(?:k|ka|kem|kom|ce)|zakladatel(?:e|em|a|ka|kou)?|"
            r"inhaber(?:s|in)?|eigentumer(?:s|in)?|besitzer(?:s|in)?|grunder(?:s|in)?"
        ),
        "manager": (
            r"(?:general |line |senior )?managers?|boss|superior|supervisor|head of [a-z]{2,20}|nadrizen(?:y|"
            r"a|ym|ou|eho|e)|nadriaden(?:y|a|ym|ou|eho|ej)|"
            r"sef(?:e|a|em|om|ka|ky|kou)?|vedouci(?:ho|m)?|veduc(?:i|a|im|ou|eho|ej)|manazer(?:a|em|om|ka|ky|kou)?|"
            r"chef(?:s|in)?|vorgesetzte(?:r|n)?|(?:abteilungs)?leiter(?:s|in)?|managerin"
        ),
        "administrator": (
            r"(?:system |database |network |it |security )?admin(?:istrator)?s?|sys-?admin|root|super-?user|"
            r"it[ -]support|it[ -]help ?desk|help ?desk|"
            r"it department|security (?:team|officer|department)|(?:your |lead |the )developers?|(?:your |"
            r"the )(?:creator|programmer|operator)|"
            r"(?:spravc(?:e|em|i|a|om)|spravca|spravkyn[ei])(?: (?:systemu|site|siete|databaze))?|"
            r"administrator(?:a|em|om|ka|kou)|it (?:podpora|oddeleni|oddelenie)|"
            r"systemadministrator(?:in)?|it-abteilung|it-support|(?:tvuj|vas|tvoj) (?:vyvojar|tvurce|"
            r"programator|tvorca)|dein (?:entwickler|erschaffer)"
        ),
        "auditor": (
            r"(?:external |internal |lead |it )?auditors?|compliance officer|data protection officer|"
            r"inspector|police officer|revizor|auditor(?:a|em|om|ka|kou)|"
            r"revisor(?:in)?|datenschutzbeauftragte(?:r|n)?|wirtschaftsprufer(?:in)?|poverenec|ucetni auditor"
        ),
    }
)
"""Rank → every form of its words. Longer forms come first in the compiled patterns."""

DEPARTMENTS: Mapping[str, str] = MappingProxyType(
    {
        "sales": (
            r"sales|sales (?:team|department|rep(?:resentative)?|person|man|woman)|salesperson|obchod(?:u|ni|"
            r"nik|nice|niho|nim)?(?: (?:oddeleni|oddelenie|tym|zastupce|zastupca))?|predaj(?:ca|kyna|u)?|"
            r"prodej(?:ce|kyne)?|vertrieb(?:s|ler|lerin|smitarbeiter)?|verkauf(?:er|erin)?"
        ),
        "warehouse": (
            r"warehouse(?: (?:team|department|worker|staff))?|sklad(?:u|e|nik|nice|nicka|em|om)?|lager(?:ist|"
            r"istin|arbeiter|mitarbeiter)?"
        ),
        "hr": (
            r"hr|human resources|personal(?:ni|ne|abteilung)?(?: oddeleni| oddelenie)?|personalist(?:a|ka|kou)|"
            r"lidsk(?:e|ych) zdroj(?:e|u)"
        ),
        "finance": (
            r"finance(?: (?:team|department))?|accounting|accountant|ucetni|uctovn(?:a|ik|icka)|ucetnictvi|"
            r"financni(?:ho)?(?: oddeleni)?|buchhalt(?:er|erin|ung)|finanzabteilung"
        ),
        "it": r"it department|it team|it oddeleni|it-abteilung",
        "legal": (
            r"legal(?: (?:team|department))?|lawyer|pravni(?:k|cka|ho)?(?: oddeleni)?|rechtsabteilung|jurist(?:in)?"
        ),
        "marketing": r"marketing(?: (?:team|department))?",
    }
)
"""Department → its words; only those that are roles of the project count as a claim."""

COMMON: frozenset[str] = frozenset(
    {"employee", "staff", "worker", "colleague", "user", "everybody", "everyone", "member"}
)
"""Roles that everybody inside may say to have."""
_OUTSIDE = frozenset(
    {"guest", "visitor", "external", "customer", "client", "partner", "contractor", "supplier", "public", "anonymous"}
)
_IMPLIED = {"director": {"board", "manager"}, "ceo": {"director", "board", "manager", "chief"}, "board": {"director"}}


def role_words(role: str) -> str:
    """A pattern for a declared role: its name's words, and its known synonyms."""
    words = [word for word in re.split(r"[-_]", role) if word]
    plain = " ".join(re.escape(word.rstrip("s")) + "s?" if len(word) > 3 else re.escape(word) for word in words)
    known = [DEPARTMENTS.get(role, ""), RANKS.get(role, "")]
    return "|".join([plain, *(entry for entry in known if entry)])


def own_concepts(role: str) -> frozenset[str]:
    """What a user of ``role`` may truthfully say to be."""
    own = {role, *re.split(r"[-_]", role)}
    own |= {
        concept for concept, words in RANKS.items() if re.fullmatch(words, role.replace("_", " ").replace("-", " "))
    }
    own |= {implied for concept in list(own) for implied in _IMPLIED.get(concept, ())}
    if not own & _OUTSIDE:
        own |= COMMON
    return frozenset(own)


def lexicon(roles: Collection[str]) -> dict[str, str]:
    """Concept → pattern: every rank, and every declared role that is not a rank itself."""
    declared = {role: role_words(role) for role in sorted(roles)}
    return {**{rank: words for rank, words in RANKS.items() if rank not in declared}, **declared}
