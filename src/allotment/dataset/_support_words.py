"""Word lists of the lexical check: what is small, opposed, a unit, a number; English, Czech, Slovak and German.

General vocabulary only. A word that is missing costs an honest paraphrase or lets a wrong answer pass; it never breaks.
"""

from __future__ import annotations

import re


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PHRASES = (
    (r"no later than|not later than|at the latest|nejpozději|najneskôr|spätestens", "@latest"),
    (r"at the earliest|no earlier than|nejdříve|najskôr|frühestens", "@earliest"),
    (r"at most|up to|(?:no|not) (?:more|longer) than|a? ?maximum of|nejvýše|nanejvýš|nejvíce?|maximálně", "@atmost"),
    (r"najviac|maximálne|höchstens|maximal", "@atmost"),
    (r"at least|(?:no|not) (?:less|fewer) than|a? ?minimum of|nejméně|alespoň|aspoň|minimálně|najmenej", "@atleast"),
    (r"minimálne|mindestens|wenigstens", "@atleast"),
    (
        r"nothing but|no one but|nobody but|solely|exclusively|pouze|jenom|výhradně|iba|len|nur|ausschließlich|jen",
        "only",
    ),
    (r"unless|außer", "except"),
    (r"cannot|can ?not|can't", "can not"),
    (r"forbidden|prohibited|banned", "not allowed"),
    (r"refused|rejected|declined", "not accepted"),
    (r"missing", "not found"),
    (r"unable", "not able"),
    (r"zakázán[oaéáý]?|zakázané", "není dovoleno"),
    (r"verboten|untersagt", "nicht erlaubt"),
    (r"as soon as|once", "after"),
    (r"free of charge|for free|kostenlos|zdarma", "free"),
    (r"because of|due to|owing to|so that|in order to|for reasons? of|that is why|therefore", "because"),
    (r"kvůli|protože|neboť|aby|jelikož|proto|pretože|lebo|kvôli|weil|denn|wegen|deshalb|damit|since", "because"),
    (r"°\s?c|celsius|stup\w+ celsia|grad celsius", "celsius"),
    (r"°\s?f|fahrenheit", "fahrenheit"),
    (r"km/h|kilomet\w+ (?:za hodinu|per hour|pro stunde)|kph", "kmh"),
    (r"m/s|met\w+ (?:za sekundu|per second|pro sekunde)", "mps"),
)
PHRASES = re.compile(rf"(?<![\w-])(?:{'|'.join(f'({pattern})' for pattern, _ in _PHRASES)})(?![\w-])")
"""Turns of phrase of several words, and words that hide a negation; ``marker_of`` names what stands for each."""


def marker_of(found: re.Match[str]) -> str:
    """The words a turn of phrase is read as."""
    return f" {_PHRASES[(found.lastindex or 1) - 1][1]} "


REFUSAL = re.compile(
    r"\b(?:(?:does|do|did) not (?:say|state|mention|specify|contain|provide|tell)"
    r"|(?:is|are) not (?:mentioned|stated|specified)"
    r"|(?:cannot|can't|could not|couldn't) (?:find|answer|tell|determine)|i (?:am|'m) (?:sorry|afraid)|unfortunately"
    r"|no information|as an ai|i do(?: not|n't) know|not enough information|is (?:unknown|not known)\W*\Z"
    r"|bohužel|není (?:uveden|zmíněn|známo)|nejsou uveden|neuvádí|nevím|nie je uveden|neuvádza|žiaľ|neviem|bohužiaľ"
    r"|leider|nicht (?:angegeben|erwähnt|bekannt)|weiß (?:ich )?nicht|keine (?:angabe|information))"
)
LEADING_YES_NO = re.compile(r"\A\W*(?:yes|no|ano|áno|ne|nie|ja|nein)\s*[,.!;:]\s*")

NEGATORS = _set(
    "not no never none nobody nothing neither nor nowhere non n't ne nie nikdy nikdo nic nikde žádný žádná žádné "
    "žádného nikto nič žiadny žiadna žiadne nicht kein keine keinen keinem keiner niemand nichts nirgends"
)
NO_NE_VERB = _set(
    "nebo neboť než nechat nechá nech nemoc nemoci nemocnice neděle neděli nedělní neděľa nedeľu nedostatek "
    "nedostatku nedostatkem nejen network new news next need needs needed needing never neuer neue neuen nehmen "
    "neben neun netto nehoda nehody nezávislý nebezpečí nebezpečný nervový neutrální nester nett neon nejprve "
    "nejdřív nejvyšší nejvíce nezbytný nevěsta negotiate nevada near nearly nearest net nets negative neck nephew "
    "nemenej necessary neither"
)
"""Words that begin with "ne" and deny nothing."""

MUST = _set(
    "must shall required requires require mandatory obliged musí musíme musejí musia muset třeba treba povinen "
    "povinná povinný povinně muss müssen müsste musst"
)
MAY = _set(
    "may can could might optional optionally allowed permitted smí smějí smie smú může mohou můžete můžeme môže "
    "môžu lze možno možná možné darf dürfen kann können"
)
UNIVERSAL = _set(
    "per all every everybody everyone everything always whole entire any anyone anybody each both všichni všechny "
    "všem všech všechno každý každá každé každého vždy celý celá celé celou všetci všetky každú celú alle allen "
    "alles jeder jede jedes immer ganze ganzen"
)
EVERY_WITH_TIME = _set("every each any každý každá každé každou každú každých jede jeden jedes")
PARTIAL = _set(
    "some most part many few several partly usually often sometimes except někteří některé většina část mnohé "
    "několik niektorí niektoré väčšina časť einige manche meisten teil viele oft"
)
ONLY = "only"
CAUSE = "because"

OPPOSED: tuple[tuple[str, str], ...] = (
    (
        "before until till před předtím do pred predtým vor bevor bis earlier prior",
        "after afterwards po poté potom nach nachdem later following",
    ),
    ("@atleast", "@atmost within"),
    ("@earliest", "@latest @atmost"),
    (
        "above over more exceeding longer greater higher older nad přes více víc delší vyšší viac vyšší über "
        "mehr länger höher",
        "below less under fewer shorter lower younger pod méně kratší nižší menej kratší unter weniger kürzer",
    ),
    (
        "start starts started begin begins began open opens opened opening začíná začne otevře otevírá otvára "
        "otvorí "
        "beginnt öffnet startet",
        "stop stops stopped end ends ended close closes closed expire expires finish končí skončí zavře zavírá "
        "zatvára "
        "endet schließt läuft",
    ),
    (
        "begin begins began start starts beginning začátku začátek začiatku anfang",
        "end ends ending konce konec konca ende",
    ),
    ("morning early ráno ranní ranná morgen früh", "evening late night večer večerní noční večerná abend spät nacht"),
    ("upper top horní horná obere oberen", "lower bottom dolní dolná untere unteren"),
    ("large big velký velké velká veľký groß große großen", "small little malý malé malá klein kleine kleinen"),
    (
        "buy buys bought purchase koupit kupuje kúpiť kaufen kauft",
        "sell sells sold sale prodat prodává predať verkaufen",
    ),
    (
        "receives receive received gets dostane dostává dostáva erhält bekommt",
        "pays pay paid platí zaplatí zahlt bezahlt",
    ),
    ("lends lend lent půjčuje půjčí leiht", "borrows borrow borrowed borgt"),
    ("including include includes included včetně vrátane einschließlich", "excluding exclude excludes bez kromě okrem"),
    ("true enabled zapnuto", "false disabled vypnuto"),
    ("with mit s se so unter pod", "without bez ohne"),
    ("accept accepts accepting accepted", "refuse refuses refusing"),
    ("increase increases rise rises zvýší roste steigt", "decrease decreases fall falls sníží klesá sinkt"),
    ("first první prvý erste ersten", "last poslední posledný letzte letzten"),
    ("inside uvnitř innen", "outside venku außen"),
    ("internal interní intern", "external externí extern"),
    ("minimum", "maximum"),
    ("public veřejný", "private confidential soukromý důvěrný"),
    ("best better lepší besser", "worst worse horší schlechter"),
)
"""Words on one side must not stand for words on the other."""

UNITS: dict[str, str] = {
    word: unit
    for unit, words in {
        "eur": "eur euro euros eura € eurech",
        "usd": "usd dollar dollars $ dolar dolarů",
        "gbp": "gbp £ pound pounds",
        "czk": "czk kč korun koruna koruny",
        "%": "% percent per-cent procent procenta procento percento percentá percent prozent",
        "second": "second seconds sec s sekunda sekundy sekund sekúnd sekunde sekunden",
        "minute": "minute minutes min minuta minuty minut minutu minúta minúty minút minuten",
        "hour": "hour hours h hr hodina hodiny hodin hodinu hodín stunde stunden hourly uhr o'clock",
        "day": "day days den dny dnů dní dne daily denně deň dni dňa denne tag tage tagen täglich",
        "night": "night nights noc noci nacht",
        "week": "week weeks weekly týden týdny týdnů týdně týdnu týždeň týždňov týždne woche wochen wöchentlich",
        "month": "month months monthly měsíc měsíce měsíců měsíčně mesiac mesiace mesiacov mesačne monat monate "
        "monaten monatlich",
        "year": "year years yearly annual annually rok roky roku let ročně rokov ročne jahr jahre jahren jährlich",
        "km": "km kilometre kilometres kilometer kilometers kilometr kilometry kilometrů kilometrov kilometern",
        "m": "m metre metres meter meters metr metrů metry metrov metern",
        "mile": "mile miles míle mil",
        "kg": "kg kilogram kilograms kilo kilogramů kilogramm",
        "g": "g gram grams gramů gramm",
        "celsius": "celsius",
        "fahrenheit": "fahrenheit",
        "kmh": "kmh",
        "mps": "mps",
        "gb": "gb gigabyte gigabytes",
        "mb": "mb megabyte megabytes",
        "l": "l litre litres liter liters litr litrů",
    }.items()
    for word in words.split()
}
PERIODS = frozenset({"second", "minute", "hour", "day", "night", "week", "month", "year", "mile", "km"})
SCALES: dict[str, int] = {
    word: scale
    for scale, words in {
        1_000: "thousand tisíc tisíce tausend",
        1_000_000: "million millions milion miliony milionů milión milióna miliónov millionen mio mil.",
        1_000_000_000: "billion miliarda miliardy miliard milliarde milliarden",
    }.items()
    for word in words.split()
}
NUMBER_WORDS: dict[str, int] = {
    word: value
    for value, words in {
        1: "first první prvního prvý erste ersten",
        2: "two second dva dvě dvou dvaja dve dvoch zwei zweiten",
        3: "three third tři tří tri troch traja drei dritten",
        4: "four fourth čtyři čtyř štyri štyroch vier vierten",
        5: "five fifth pět pěti päť piatich fünf",
        6: "six sixth šest šesti šesť šiestich sechs",
        7: "seven seventh sedm sedmi sedem siedmich sieben",
        8: "eight eighth osm osmi osem ôsmich acht",
        9: "nine ninth devět devíti deväť neun",
        10: "ten tenth deset deseti desať zehn",
        11: "eleven jedenáct jedenácti jedenásť elf",
        12: "twelve twelfth dvanáct dvanácti dvanásť zwölf",
        14: "fourteen čtrnáct čtrnácti štrnásť vierzehn",
        15: "fifteen patnáct patnácti pätnásť fünfzehn",
        20: "twenty dvacet dvaceti dvadsať zwanzig",
        30: "thirty třicet třiceti tridsať dreißig",
        40: "forty čtyřicet čtyřiceti štyridsať vierzig",
        50: "fifty padesát padesáti päťdesiat fünfzig",
        60: "sixty šedesát šedesáti šesťdesiat sechzig",
        70: "seventy sedmdesát sedmdesáti sedemdesiat siebzig",
        80: "eighty osmdesát osmdesáti osemdesiat achtzig",
        90: "ninety devadesát devadesáti deväťdesiat neunzig",
        100: "hundred sto hundert",
    }.items()
    for word in words.split()
}
TENS_AND_ONES = re.compile(
    r"\b(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[- ](one|two|three|four|five|six|seven|eight|nine)\b"
)
ORDINAL = re.compile(r"(?<![\w.])(\d+)(?:st|nd|rd|th)\b")

MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "jan january january leden ledna január januára januar",
            "feb february únor února február februára februar",
            "mar march březen března marec marca märz",
            "apr april duben dubna apríl apríla",
            "may květen května máj mája mai",
            "jun june červen června jún júna juni",
            "jul july červenec července júl júla juli",
            "aug august srpen srpna augusta",
            "sep sept september září septembra",
            "oct october říjen října október októbra oktober",
            "nov november listopad listopadu novembra",
            "dec december prosinec prosince decembra dezember",
        ),
        start=1,
    )
    for name in names.split()
}

IRREGULAR: dict[str, str] = {
    "paid": "pay", "sent": "send", "kept": "keep", "held": "hold", "bought": "buy", "sold": "sell", "led": "lead",
    "given": "give", "gave": "give", "took": "take", "taken": "take", "made": "make", "told": "tell", "found": "find",
    "written": "write", "wrote": "write", "began": "begin", "begun": "begin", "left": "leave", "met": "meet",
    "built": "build", "lent": "lend", "lost": "lose", "known": "know", "said": "say", "ran": "run", "went": "go",
    "children": "child", "people": "person", "borne": "bear", "chosen": "choose", "driven": "drive",
}  # fmt: skip

SYNONYMS: dict[str, str] = {
    word: group.split()[0]
    for group in (
        "report tell inform notify announce alert",
        "approve authorise authorize sign-off approval",
        "allow permit permitted",
        "cost price charge",
        "receive obtain",
        "handle process look-after",
        "investigate examine inspect",
        "upload submit",
        "deposit deposits",
        "store keep kept",
        "end expire expires finish",
        "start begin commence",
        "grant give offer provide",
        "buy purchase acquire acquisition",
        "restore recover",
        "arrange organise organize organisation",
        "salary earn earns wage pay-packet",
        "ride cycle bicycle bike",
        "staff employees personnel employee",
        "forward send pass",
        "default standard",
        "doctor physician",
        "sick ill illness sickness",
        "car vehicle",
        "stop cease",
        "specify set state",
        "valid good",
    )
    for word in group.split()
}
"""Word → the word it is compared as."""

SMALL: frozenset[str] = _set(
    "earlier later sooner less fewer through throughout between among during against around get gets got "
    "a an the and or but if then than as at by for from in into of off on onto out to up via with about is are "
    "was were be been being am do does did done has have had having will would should it its this that these "
    "those there here i me my mine you your yours we us our ours they them their theirs he him his she her one "
    "ones own who whom whose which what when where why how much many while whenever wherever whether so such also "
    "too just even still yet only please yes per ahead advance according said say says name named called number "
    "amount time date place way kind thing go goes going come comes use uses used using need needs needed want "
    "make makes made let put unless else same other another rather very more most first because except found able "
    "through throughout between among during against around get gets got longer long soon early late quickly "
    "required requires require mandatory obliged allowed may can could might must shall within without before "
    "after until till above over below under every each all any some both either v ve na se si je jsou byl byla "
    "bylo byly být bude budou od za ze z ke k pro při po před nad pod který která které kterou kterém kdo co kde "
    "kdy jak kolik jaký jaká jaké jakou jakém komu čím smí smějí musí musejí může mohou lze ale že když až už "
    "také též podle než ten ta tento tato toto tu té tom mi mám má mít mají jeho jejich jejichž u o s vo sa sú "
    "bol bola bolo byť ku pre pri pred ktorý ktorá ktoré kto čo kedy ako koľko aký aká aké akú smie smú môže keď "
    "tiež podľa aj alebo nebo jmenuje název názvu číslo najdete najdu provádí provede musíte máte třeba treba "
    "je-li jej ji jim tím těchto svůj své svou jen pouze jenom místo dosud ještě hned teď nyní každý každá každé "
    "každých bez všechny všichni bude-li raz čas dobu dlouho často rychle nejvyšší částka částku peněz der die "
    "das den dem des ein eine einen einem einer und oder von zu zum zur im auf ist sind war waren wird werden bei "
    "für aus mit wer wie wann wo wem wen warum welche welcher welches welchem muss müssen darf dürfen kann können "
    "sie er es wir ihr ich mein man nach vor über unter wenn als dass ab bis hat haben liegt um viel lange "
    "innerhalb sich auch nur dann frist ihre ihren jeder jede alle"
)
"""Words that carry no claim of their own, those read as a relation, a modality or a quantity among them."""

LIGHT: frozenset[str] = _set(
    "serve cost pay take stay remain expect ask look find leave give run bring happen available located lie sit move "
    "work apply order possible pass person anyone anybody somebody someone own call require contain hold carry "
    "become ensure allow new simply directly automatic immediate way enough total current certain"
)
"""Verbs and adverbs so general that an answer may add them."""

ANAPHORS = _set(
    "they it this these those he she its their that then there such both ten ta to tento tato toto ti ty ho ji je "
    "jej jich tam ich er sie es dies diese dieser dieses dort tím ono"
)
"""A sentence that begins with one of them is read together with the sentence before it."""

BACK_REFERENCES = _set("there ho ji jej jich jim tam dort")
"""Within a sentence they point back as well."""

PASSIVE = _set("by von durch which that who der die das který která které ktorý ktorá ktoré")
"""Words that let the one who does it stand last."""

PER = _set("per pro na za")

WEEKDAYS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "monday mondays pondělí pondelok montag montags",
            "tuesday tuesdays úterý úterní utorok dienstag dienstags",
            "wednesday wednesdays středa středu středy streda stredu mittwoch mittwochs",
            "thursday thursdays čtvrtek čtvrtka čtvrtku štvrtok štvrtka donnerstag donnerstags",
            "friday fridays pátek pátku piatok piatku freitag freitags",
            "saturday saturdays sobota sobotu soboty samstag samstags",
            "sunday sundays neděle neděli nedeľa nedeľu nedele sonntag sonntags",
        ),
        start=1,
    )
    for name in names.split()
}

BOUNDS = _set("until till before after since from bis vor nach seit až dokud po od do")

QUESTION_HOW_LONG = re.compile(r"\b(?:how long|jak dlouho|ako dlho|wie lange)\b")
QUESTION_NUMBER = re.compile(
    r"\b(?:how (?:much|many|long|old|far|large|high|hot|soon|early|quickly)"
    r"|what (?:price|amount|percentage|temperature)|kolik|koľko"
    r"|wie (?:viele?|lange|hoch|oft)|jak (?:dlouho|daleko)|ako dlho)\b"
)
QUESTION_WHY = re.compile(r"\b(?:why|proč|prečo|warum|weshalb|for what reason)\b")
QUESTION_NAME = re.compile(r"\A\W*(?:who|whom|whose|where|which|in which|kdo|komu|kde|kto|wer|wem|wo|jak se jmenuje)\b")
WHICH = re.compile(
    r"which|what|welche[rsmn]?|jak(?:ý|á|é|ou|ém|ému)|kter(?:ý|á|é|ou|ém)|aký|aká|aké|akú|ktor(?:ý|á|é|ú|om|ej)"
)
