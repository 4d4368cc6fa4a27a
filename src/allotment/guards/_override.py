"""Check ``override``: tries to set the rules aside, and role-play that has no rules. English, Czech, Slovak, German."""

from __future__ import annotations

from allotment.guards._finding import Context, Finding, allow, refuse
from allotment.guards._normalise import Prepared
from allotment.guards._patterns import Rules, evidence, matches, rule

NAME = "override"

_RULES_EN = (
    "(?:rules?|instructions?|guidelines?|guardrails?|restrictions?|limitations?|polic(?:y|ies)|prompts?|directions?|"
    "directives?|constraints?|safeguards?|filters?|filtering|programming|orders|commands|training|tasks?|assignments?|"
    "articles?|documents|context|messages?|conversation|ethics|morals)"
)
_RULES_DE = (
    "(?:anweisung|regel|befehl|aufgabe|auftrag|auftrage|instruktion|vorgabe|richtlinie|angabe|information|einschrankung|"
    "ausfuhrung|beschrankung)"
)
_RULES_CS = (
    "(?:pravid|pokyn|instrukc|omezen|obmedzen|prikaz|zakaz|nariden|nariaden|smernic|filtr|zasad|zadani|zadania|"
    "nastaven|kontext)"
)

RULES = Rules(
    rule(
        r"\b(?:ignor(?:e|es|ing)|disregard(?:ing)?|forget|bypass|override|overrule|abandon|neglect|discard|violate|"
        r"circumvent|suspend|disable|disobey|(?:turn|switch) off|erase|drop|skip|break|lift|not follow|"
        r"n't follow|not obey|"
        r"n't obey|stop (?:following|obeying))\b.{0,30}\b(?:your|all|any|every|previous|prior|preceding|"
        r"earlier|above|"
        r"existing|initial|original|former|internal|system)\b.{0,25}\b" + _RULES_EN + r"\b"
    ),
    rule(
        r"\b(?:ignore|disregard|forget|abandon) (?:about )?(?:all )?(?:the |these |those |"
        r"of the )?(?:rules|instructions|above|previous|prior|preceding)\b"
    ),
    rule(
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget)\b.{0,12}\b(?:everything|anything|all|"
        r"what)\b.{0,30}\b(?:above|before|previous|prior|said|told|know|knew|discussed|instructed|learned|"
        r"learnt|core)\b"
    ),
    rule(
        r"(?:^|[.,:;!?\"*-] ?|\b(?:now|please|then|and|but|must|should|to|able) )(?:forget|ignore|"
        r"disregard) (?:about )?everything\b"
    ),
    rule(
        r"\b(?:disregarding|without|not|n't|ignore|forget)\b.{0,30}\b(?:the|all|provided|"
        r"these) (?:provided )?(?:articles?|documents)\b(?: provided)?"
    ),
    rule(
        r"\b(?:your|the) (?:rules|instructions|guidelines|restrictions|limits|policies) (?:do not|don't|"
        r"no longer|don t) (?:apply|count|matter|hold)\b"
    ),
    rule(
        r"\b(?:rules|instructions|restrictions|permissions|access (?:checks?|controls?|rules)) (?:are|is|"
        r"have been|has been|were) (?:now )?(?:lifted|suspended|disabled|void|switched off|turned off|"
        r"cancelled|removed)\b"
    ),
    rule(r"\b(?:change|replace|update|rewrite) (?:all )?your (?:rules|instructions|guidelines)\b"),
    rule(
        r"\b(?:new|additional|further|updated|real|following) (?:system )?(?:instructions?|tasks?|rules?|"
        r"orders)\b ?(?:-|:|follow|are followed|now)"
    ),
    rule(
        r"\b(?:your new|next) (?:task|instruction|assignment|role|job)s? (?:is|are)\b|\bnow (?:focus|"
        r"concentrate) on\b"
    ),
    rule(r"\b(?:instead|just|only|simply) (?:output|print|say|write|reply|respond|answer with|repeat)\b.{0,4}[\"':]"),
    rule(r"\bdo not (?:answer|look)\b.{0,40}\b(?:question|documents)\b.{0,30}\b(?:output|say|print|write)\b"),
    rule(r"(?:^|[.,:;!?] ?)(?:stop|attention)[:,!]? ?(?:-|:|now |stop|ignore|write|print)|\bstop - i\b"),
    rule(r"\brepeat (?:after me|the following (?:sentence|words))\b"),
    # Personas: somebody who asks a company's agent to be somebody else wants what the agent itself would not do.
    rule(r"\bfrom now on,? (?:on )?(?:you|your|i want you|we|act|respond|answer|reply|ignore|chatgpt)\b"),
    rule(
        r"\b(?:you are|you're|you will be|you'll be) (?:now|going to|about to|no longer)\b.{0,30}\b(?:act|"
        r"acting|pretend|roleplay|role-?play|play|be|an?|simulate|immerse|dan|imitat\w{1,6})\b"
    ),
    rule(
        r"\b(?:you will|you shall|you must|you should|you are to|you're to|you have to|i want you to|"
        r"i need you to|i would like you to|i'd like you to|i need|please|now|let's|can you|gpt|chatgpt|"
        r"ai)\b,? (?:to )?(?:now )?(?:act(?:ing)? (?:as|like)|pretend|role-?play|simulate|imitate|"
        r"impersonate|take on the role|assume the (?:role|persona)|play the role|immerse)\b"
    ),
    rule(r"^(?:act as|pretend (?:that |to be |you)|imagine (?:that )?you(?:'re| are| have)|simulate|roleplay)"),
    rule(
        r"\b(?:act as an? (?:python|linux|ai|unfiltered|evil|terminal|interpreter)|"
        r"acts? as if you (?:have|had|are|were))\b|\bexecute the following (?:command|code)\b"
    ),
    rule(
        r"\b(?:stay|remain|stays|staying|be|keep) in (?:character|your role|their roles?)\b|\bbreak(?:ing|"
        r"s)? (?:of )?character\b"
    ),
    rule(
        r"\b(?:do anything now|developer mode|dev mode|dan mode|god mode|debug mode|sudo mode|"
        r"jailbreak mode|jailbroken|evil mode|admin mode|maintenance mode|unrestricted mode)\b|"
        r"\b(?:act as|you are|be|as|hi|hello|mode) dan\b|\bdan \(|\bstands for \"?'?do any|\bdude \("
    ),
    rule(
        r"\b(?:no|without|without any|zero|of all|not have|n't have|not have any|n't have any|lacks?|"
        r"lacks? any|free (?:of|from)|abide to any type of|any type of) (?:ethical |moral |such |any |"
        r"content |kind of |type of |legal |other )?(?:restrictions?|limitations?|censorship|filters|"
        r"ethics|morals?|morality|guidelines|boundaries|safeguards)\b"
    ),
    rule(
        r"\b(?:freed?|broken free|break free|liberated|unbound|unshackled) (?:from|of) (?:the |all |any |"
        r"your |its |their )?(?:typical |usual )?(?:confines|constraints|limits|limitations|restrictions|"
        r"rules|shackles|chains)\b"
    ),
    rule(
        r"\b(?:not|n't|no longer|never) (?:be )?(?:bound|limited|confined|restricted|subject|constrained|"
        r"governed|bounded|restrained)\b|\b(?:not|n't|no longer) (?:have to |need to )?(?:abide|adhere|"
        r"comply|obey|care about)\b"
    ),
    rule(
        r"\b(?:openai|open ai|anthropic)\b.{0,30}\b(?:polic(?:y|ies)|rules|guidelines|restrictions|"
        r"filters|terms|limits)\b|\b(?:as|like) chatgpt\b|\bchatgpt (?:would|with|will|is|has)\b"
    ),
    rule(
        r"\b(?:unfiltered|uncensored|amoral|unethical|immoral|unrestricted|unmoderated)\b,?.{0,25}\b(?:ai|"
        r"bots?|chatbots?|assistants?|response|responses|answers?|persona|machine|model|mode|version|gpt|"
        r"and|or|character)\b"
    ),
    rule(
        r"\b(?:never|not|n't|cannot|can't|doesn't) (?:ever )?(?:refuse|decline|reject|deny|say no|"
        r"apologi[sz]e|say \"?'?(?:sorry|i'm sorry|no|i can't|i cannot|that))\b"
    ),
    rule(
        r"\b(?:hypothetical|fictional|imaginary) (?:scenario|response|world|situation|universe|reality|"
        r"characters?)\b"
    ),
    rule(
        r"\b(?:evil|rogue|malicious) (?:trusted )?(?:ai|bot|chatbot|assistant|confidant|confidante|twin|"
        r"version)\b|\b\w{0,12}(?:evil|based|omega|anti|jail|evil-)(?:bot|gpt)\b"
    ),
    rule(r"\b(?:completely |totally )?theoretical world\b|\bopposite (?:mode|day|personality)\b"),
    rule(
        r"\b(?:take on|takes on|adopt|assume) .{0,20}\bpersona\b|\bpersona ?[=:]|\b(?:now,? )?you (?:are|"
        r"act) (?:now|as) (?:two entities|\")|^now,? you (?:are|act)\b|\bpersonify an?\b"
    ),
    rule(
        r"\bdespite what you(?:'ve| have) been told\b|\bsay ?that ?you ?(?:hate|love)|"
        r"\binclude that you (?:hate|love)\b|\b(?:hate|love) \w{1,20}\? say yes\b"
    ),
    rule(
        r"\b(?:well done|very good|simply great|excellent performance|that is (?:enough|"
        r"done))\b.{0,60}\bnow\b|\b(?:sehr gut|gut gemacht|einfach grossartig|das ist erledigt|das genugt|"
        r"ausgezeichnete leistung)\b.{0,90}\b(?:nun|jetzt|bitte|nochmal)\b|^achtung - stopp?\b"
    ),
    # German
    rule(
        r"\b(?:ignorier\w{0,4}|vergiss|vergesst|vergessen sie|missachte\w{0,3}|umgeh\w{0,3}|"
        r"uberschreib\w{0,3}|abweichend zu|streich\w{0,3})\b.{0,45}\b" + _RULES_DE + r"\w{0,3}"
    ),
    rule(
        r"\bvergiss(?: nun| jetzt| bitte)? (?:alles|alle)\b|\b(?:ausfuhrungen|anweisungen|regeln|"
        r"vorgaben) ignorieren\b|\balle(?:n|r)? (?:vorherigen|bisherigen|vorangegangenen|"
        r"vorangehenden) (?:informationen|anweisungen|aufgaben|befehle)\b"
    ),
    rule(
        r"\b(?:neue|weitere|neuen) (?:aufgaben?|anweisungen|instruktionen)\b|\b(?:nun|jetzt) (?:folgen|"
        r"bist du|sind sie)\b|\bstell dir vor,? du (?:bist|warst)\b|\bentwicklermodus\b"
    ),
    rule(
        r"\bich (?:mochte|will|wunsche),? dass (?:sie|du) als\b|\btu so,? als (?:ob|war|"
        r"hatt)\w{0,5}\b.{0,20}\bkeine\b|\bspiel\w{0,2} (?:die|eine) rolle\b|"
        r"\bbleib\w{0,2} .{0,20}in (?:deiner|ihren|ihrer) rollen?\b"
    ),
    # Czech and Slovak
    rule(
        r"\b(?:ignoruj\w{0,3}|ignorovat|zapomen\w{0,4}|zabudni\w{0,3}|nedbej\w{0,2}|nedbaj\w{0,2}|"
        r"obejd\w{0,4}|obid\w{0,4}|obist|prekroc\w{0,3}|nerespektuj\w{0,3}|preskoc\w{0,3}|vypn\w{0,4}|"
        r"zrus\w{0,4}|porus\w{0,4}|odhod\w{0,3}|nedodrzuj\w{0,3}|neridi?\w{0,2} se|neriad\w{0,2} sa|"
        r"prestan\w{0,4})\b.{0,40}\b" + _RULES_CS
    ),
    rule(r"\b(?:zapomen\w{0,3}|zabudni\w{0,2}|ignoruj\w{0,2})\b.{0,12}\b(?:vse|vsechno|vsetko|cokoli|cokolvek)\b"),
    rule(
        r"\b(?:vyvojarsk\w{1,4}|vyvojovy|neomezen\w{1,3}|neobmedzen\w{1,3}|"
        r"administratorsk\w{1,4}) (?:rezim|mod)\w{0,3}\b|\b(?:rezim\w{0,2}|mod\w{0,2}) (?:vyvojare|"
        r"vyvojara|bez omezeni|bez obmedzeni)\b"
    ),
    rule(
        r"\bod (?:ted|tohoto okamziku|teraz|tejto chvile|nynejska) (?:jsi|budes|si|odpovidej|hraj|mas)\b|"
        r"\b(?:predstirej|predstieraj|hraj si na|tvar se|tvar sa|delej,? ze|chovej se jako|"
        r"spravaj sa ako)\b.{0,30}\b(?:bez|jsi|si|nemas|zadn|ziadn)"
    ),
    rule(
        r"\b(?:bez|zadn\w{1,3}|ziadn\w{1,3}) (?:jakychkoli |akychkolvek |tve |tvych )?(?:omezeni|"
        r"obmedzeni|pravidel|pravidiel|cenzury|filtru|filtrov|zabran)\b"
    ),
    # The shortest form in some other languages
    rule(
        r"\b(?:olvid[ae]s?|olvidar|oubliez|oublie|dimentica|zaboravi|zapomnij|ignora|"
        r"ignorez)\b.{0,25}\b(?:instruc|instruk|istruz|tod[oa]|tout|tutt|instrukcj|reg)"
    ),
    rule(
        r"(?:забуд|игнорир|забудь)\w{0,5}.{0,30}(?:инструкц|правил)|忽略.{0,8}(?:指令|指示|规则|规定)|忘记.{0,8}(?:指令|指示|规则)"
    ),
)


def check_override(text: Prepared, context: Context) -> Finding:
    """Refuse a question that tells the agent to leave its rules, or to be somebody without any."""
    for how, match in matches(RULES, text):
        return refuse(NAME, evidence(how, match))
    return allow(NAME)
