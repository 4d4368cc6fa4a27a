"""Check ``system_prompt``: tries to read out what the agent was told before the question."""

from __future__ import annotations

from allotment.guards._finding import Context, Finding, allow, refuse
from allotment.guards._normalise import Prepared
from allotment.guards._patterns import Rules, evidence, matches, rule

NAME = "system_prompt"

RULES = Rules(
    rule(
        r"\b(?:show|shows?|reveal|print|display|repeat|output|tell|give|copy|leak|expose|dump|list|"
        r"summari[sz]e|translate|"
        r"reproduce|recite|write|share|send|disclose|return|what (?:is|are|was|were|does|"
        r"do))\b.{0,40}\b(?:system (?:prompt|"
        r"message|instructions?)|prompt[ -]?texts?|(?:full|entire|whole|original|initial|hidden|secret|"
        r"first) (?:prompt|"
        r"instructions?|rules)|your (?:own |exact |complete )?prompts?|above prompt|texts? above|words above)\b"
    ),
    rule(
        r"\b(?:reveal|print|display|output|leak|dump|tell me|show me|repeat|what are|"
        r"copy)\b.{0,15}\byour (?:\w{1,12} )?(?:instructions|guidelines|configuration|"
        r"initiali[sz]ation)\b(?! (?:for|on|about|regarding|to|how)\b)"
    ),
    rule(
        r"\bwhat (?:was|is|were|stands?|did)\b.{0,25}\b(?:written|said|stated|sentences|lines|"
        r"words)\b.{0,25}\b(?:above|before (?:this|the text)|beginning of (?:this|the) (?:prompt|"
        r"conversation|chat))\b|\b\d{1,3} sentences before the text\b"
    ),
    rule(
        r"\b(?:information|text) in the prompt\b|\bdisplay this prompt\b|\brepeat (?:everything|all|"
        r"the words|the text) (?:above|before)\b"
    ),
    rule(r"\b(?:texts?|everything|words) (?:above|before) this (?:line|message|sentence)\b"),
    # German
    rule(
        r"\b(?:zeig\w{0,3}|nenn\w{0,3}|gib|geben|wiederhol\w{0,3}|verrat\w{0,3}|druck\w{0,3}|was (?:ist|"
        r"sind|steht)|wie lautet|vorzeigen)\b.{0,40}\b(?:system-?prompt|systemanweisung|prompt-?texte?|"
        r"deine\w{0,2} (?:anweisungen|instruktionen|prompts?|systemnachricht))"
    ),
    rule(r"\b(?:vollstandigen|gesamten|samtlicher?|alle) prompt"),
    # Czech and Slovak
    rule(
        r"\b(?:vypis\w{0,3}|ukaz\w{0,3}|zobraz\w{0,3}|rekni|rekn\w{0,3}|povedz\w{0,3}|povez\w{0,3}|"
        r"prozrad\w{0,3}|prezrad\w{0,3}|zopakuj\w{0,3}|opis\w{0,3}|vytiskni|odhal\w{0,3}|napis\w{0,3}|"
        r"jak\w{0,3} (?:je|jsou|zni)|ak\w{0,3} (?:je|su|znie)|"
        r"co je)\b.{0,40}\b(?:systemov\w{1,3} (?:prompt|zprav|sprav|instrukc|pokyn|nastaven)|(?:sv|tv|"
        r"svoj|tvoj)\w{0,3} (?:prompt|instrukc|pokyn|zadan)|(?:puvodni|povodn|skryt|"
        r"tajn)\w{0,3} (?:prompt|instrukc|pokyn))"
    ),
)


def check_system_prompt(text: Prepared, context: Context) -> Finding:
    """Refuse a question that wants the instructions in front of it."""
    for how, match in matches(RULES, text):
        return refuse(NAME, evidence(how, match))
    return allow(NAME)
