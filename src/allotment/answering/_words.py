"""What the chain says in its own words, by language; every number in them comes from rows or counts."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.dataset import unknown_answer

_SENTENCES = {
    "en": {
        "offers": "I can help with: {offers}.",
        "which": "Which of these do you mean? {choice}. Please choose one and ask again.",
        "no_sql": "I cannot answer that from what you may see.",
        "no_agent": "There is no such agent here.",
        "unavailable": "This cannot be answered at the moment. The reason is on record.",
        "too_long": "That took too long, so I stopped. Please ask for less.",
        "busy": "Too much is asked at the moment. Please ask again in a minute.",
        "withheld": "I may not show the answer I found. The reason is on record.",
        "one": "The answer is {value}.",
        "none": "There are no such rows in what you may see.",
        "list": "The answer is: {values}.",
        "rows": "{title} ({count} rows):",
        "more": "There are more rows than shown.",
        "nothing": "nothing",
        "see_table": "(see the table)",
    },
    "cs": {
        "offers": "Mohu pomoci s tímto: {offers}.",
        "which": "Koho z nich myslíte? {choice}. Vyberte si prosím a zeptejte se znovu.",
        "no_sql": "Z toho, co smíte vidět, na to odpovědět nedokážu.",
        "no_agent": "Takový agent tu není.",
        "unavailable": "Na to teď nelze odpovědět. Důvod je v záznamu.",
        "too_long": "Trvalo to příliš dlouho, a proto jsem přestal. Zeptejte se prosím na méně.",
        "busy": "Právě teď je dotazů příliš mnoho. Zeptejte se prosím za minutu znovu.",
        "withheld": "Odpověď, kterou mám, nesmím ukázat. Důvod je v záznamu.",
        "one": "Odpověď je {value}.",
        "none": "V tom, co smíte vidět, takové řádky nejsou.",
        "list": "Odpověď je: {values}.",
        "rows": "{title} (řádků: {count}):",
        "more": "Řádků je více, než je zobrazeno.",
        "nothing": "nic",
        "see_table": "(viz tabulka)",
    },
    "sk": {
        "offers": "Môžem pomôcť s týmto: {offers}.",
        "which": "Koho z nich myslíte? {choice}. Vyberte si, prosím, a opýtajte sa znova.",
        "no_sql": "Z toho, čo smiete vidieť, na to odpovedať neviem.",
        "no_agent": "Taký agent tu nie je.",
        "unavailable": "Na to sa teraz nedá odpovedať. Dôvod je v zázname.",
        "too_long": "Trvalo to príliš dlho, a preto som prestal. Opýtajte sa, prosím, na menej.",
        "busy": "Práve teraz je otázok príliš veľa. Opýtajte sa, prosím, o minútu znova.",
        "withheld": "Odpoveď, ktorú mám, nesmiem ukázať. Dôvod je v zázname.",
        "one": "Odpoveď je {value}.",
        "none": "V tom, čo smiete vidieť, také riadky nie sú.",
        "list": "Odpoveď je: {values}.",
        "rows": "{title} (riadkov: {count}):",
        "more": "Riadkov je viac, ako je zobrazených.",
        "nothing": "nič",
        "see_table": "(pozri tabuľku)",
    },
    "de": {
        "offers": "Ich kann hierbei helfen: {offers}.",
        "which": "Wen davon meinen Sie? {choice}. Bitte wählen Sie und fragen Sie noch einmal.",
        "no_sql": "Aus dem, was Sie sehen dürfen, kann ich das nicht beantworten.",
        "no_agent": "Diesen Agenten gibt es hier nicht.",
        "unavailable": "Das lässt sich im Augenblick nicht beantworten. Der Grund ist verzeichnet.",
        "too_long": "Das hat zu lange gedauert, deshalb habe ich aufgehört. Bitte fragen Sie nach weniger.",
        "busy": "Im Augenblick wird zu viel gefragt. Bitte fragen Sie in einer Minute noch einmal.",
        "withheld": "Die Antwort, die ich gefunden habe, darf ich nicht zeigen. Der Grund ist verzeichnet.",
        "one": "Die Antwort ist {value}.",
        "none": "In dem, was Sie sehen dürfen, gibt es solche Zeilen nicht.",
        "list": "Die Antwort ist: {values}.",
        "rows": "{title} ({count} Zeilen):",
        "more": "Es gibt mehr Zeilen, als gezeigt werden.",
        "nothing": "nichts",
        "see_table": "(siehe Tabelle)",
    },
}


def sentence(name: str, language: str, **values: object) -> str:
    """One of the chain's sentences; a language it does not speak gets English."""
    return _SENTENCES.get(language, _SENTENCES["en"])[name].format(**values)


def unknown_text(language: str, offers: Sequence[str]) -> str:
    """Says that it is not known, and what may be asked."""
    said = unknown_answer(language)
    return f"{said} {sentence('offers', language, offers='; '.join(offers))}" if offers else said
