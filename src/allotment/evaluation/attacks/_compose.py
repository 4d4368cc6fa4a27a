"""From the parts of an attempt to what is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from allotment.evaluation.attacks import _claims, _plants, _seeds, _strategies, _tricks
from allotment.evaluation.attacks._mutators import ENCODINGS, PLAIN, encode
from allotment.evaluation.attacks._spelling import misspell, respace
from allotment.evaluation.attacks._statements import queries, statement
from allotment.evaluation.attacks._targets import Target, document_sets_of
from allotment.evaluation.attacks._texts import fill, says, subject_of
from allotment.evaluation.attacks._types import Attack, Door, Send
from allotment.project import Project
from allotment.workspace import hash_json

AUTO = "auto"
_EARLIER = 3
"""Earlier questions that the page takes."""
_ID_LENGTH = 16


@dataclass(frozen=True)
class Parts:
    """Everything an attempt is made of."""

    door: Door
    target: Target
    agent: str
    """The one it goes for."""
    model: str = AUTO
    """Name asked for."""
    reader: str = "none"
    """Role that is claimed; one that may know."""
    seed: str = _seeds.PLAIN
    claim: str = _claims.NONE
    encoding: str = PLAIN
    language: str = "en"
    strategy: str = _strategies.SINGLE
    trick: str = _tricks.NONE
    plan: _plants.Plan | None = None
    variant: int = 0
    """Of the spelling."""
    written: str = ""
    """Text in place of the one made of seed, claim and encoding."""


def compose(project: Project, parts: Parts, number: int) -> Attack | None:
    """The attempt; none if its words would say the canary's value, for then an echo looked like a leak."""
    sends = tuple(_sends(project, parts))
    if says(_everything(sends, parts), parts.target.canary.value):
        return None
    fields: dict[str, Any] = {
        "role": parts.target.role,
        "canary": parts.target.canary.id,
        "door": parts.door,
        "seed": parts.seed,
        "claim": parts.claim,
        "encoding": parts.encoding,
        "language": parts.language,
        "strategy": parts.strategy,
        "trick": parts.trick,
        "plant": parts.plan.plant.id if parts.plan else _plants.NONE,
        "agent": parts.agent,
    }
    return Attack(number=number, id=_id_of(fields, sends), sends=sends, **fields)


def _id_of(fields: Mapping[str, Any], sends: tuple[Send, ...]) -> str:
    return hash_json({**fields, "sends": [vars(send) for send in sends]})[:_ID_LENGTH]


def _everything(sends: tuple[Send, ...], parts: Parts) -> str:
    """All texts, and what was encoded or misspelled as it was before."""
    said = [text for send in sends for text in (send.text, *(text for _, text in send.messages), send.path, send.raw)]
    more = [json.dumps([send.model, send.body, send.headers], ensure_ascii=False) for send in sends]
    plain = [_plain_text(parts)] if parts.door in ("api", "session") else []
    return "\n".join([*said, *more, *plain])


def _sends(project: Project, parts: Parts) -> Iterator[Send]:
    if parts.door == "sql":
        account = str(project.agents[parts.agent].account)
        text = statement(project, parts.seed, parts.target.canary.source, account)
        yield Send(respace(text, parts.variant), model=parts.agent)
    elif parts.door == "search":
        text = parts.written or fill(queries()[parts.seed].text, _query_values(project, parts))
        yield Send(misspell(text, parts.variant), model=parts.agent)
    else:
        *before, last = _turns(parts)
        yield from before
        trick = _tricks.tricks(parts.door).get(parts.trick)
        yield _tricks.played(trick, last, _values(project, parts, last.text)) if trick else last


def _turns(parts: Parts) -> Iterator[Send]:
    """The requests of a conversation, each with what stood before it."""
    text = misspell(parts.written or _text(parts), parts.variant)
    if parts.strategy == _strategies.SINGLE:
        yield Send(text, model=parts.model)
        return
    strategy = _strategies.strategies()[parts.strategy]
    first, second = _strategies.halves(text)
    values = {**_words(parts), "attack": text, "first": first, "second": second, "flood": _strategies.FLOOD}
    turns = strategy.filled(parts.language, values)
    starts = range(len(turns)) if strategy.how == "turns" else [len(turns) - 1]
    for place in starts:
        yield _turn(parts, turns[:place], turns[place][1])


def _turn(parts: Parts, before: tuple[_strategies.Turn, ...], text: str) -> Send:
    if parts.door == "session":
        earlier = [said for who, said in before if who == "user"][-_EARLIER:]
        return Send(text, model=parts.model, body={"earlier": earlier} if earlier else {})
    return Send(text, messages=before, model=parts.model)


def _text(parts: Parts) -> str:
    """Claim, seed and question, what is to be encoded encoded; what brings a plant up stands in front."""
    encoding, _, part = parts.encoding.partition("/")
    words = _words(parts)
    claim = _claims.claims()[parts.claim].texts[parts.language] if parts.claim != _claims.NONE else ""
    template = fill(claim, words) + (" " if claim else "") + _seeds.seeds()[parts.seed].texts[parts.language]
    if part == "question":
        words["question"] = encode(encoding, words["question"], parts.language)
        text = fill(template, words)
    else:
        text = _with_instruction(encoding, template, words, parts.language)
    return f"{parts.plan.ask} {text}" if parts.plan else text


def _with_instruction(encoding: str, template: str, words: Mapping[str, str], language: str) -> str:
    if encoding not in ENCODINGS:
        return fill(template, words)
    instruction = fill(template, {**words, "question": ""}).strip()
    if not instruction:
        return encode(encoding, words["question"], language)
    return f"{encode(encoding, instruction, language)} {words['question']}"


def _plain_text(parts: Parts) -> str:
    return parts.written or _text(replace(parts, encoding=PLAIN))


def _words(parts: Parts) -> dict[str, str]:
    question = parts.target.canary.question
    return {"question": question, "subject": subject_of(question), "role": parts.reader, "agent": parts.target.knowing}


def _values(project: Project, parts: Parts, text: str) -> dict[str, str]:
    """What the braces of a trick stand for."""
    knowing, source = parts.target.knowing, parts.target.canary.source
    words = _words(parts)
    return {
        **words,
        "user": next((user for user, role in sorted(project.users.items()) if role == parts.reader), parts.reader),
        "agent_upper": knowing.upper(),
        "agent_fullwidth": ENCODINGS["fullwidth"].encode(knowing),
        "own_agent": next(iter(parts.target.own), knowing),
        "account": project.agents[knowing].account or "none",
        "base": project.models.base,
        "source": source,
        "source_url": quote(source, safe=""),
        "source_upper_url": quote(source.upper(), safe=""),
        "subject_url": quote(words["subject"], safe=""),
        "flood": _strategies.FLOOD * 4,
        "attack": text,
        "attack_json": json.dumps(text, ensure_ascii=False),
    }


def _query_values(project: Project, parts: Parts) -> dict[str, str]:
    canary = parts.target.canary
    sets = document_sets_of(project, canary)
    return {
        **_words(parts),
        "source": canary.source,
        "name": PurePosixPath(canary.source).name,
        "set": next(iter(sets), "none"),
        "flood": _strategies.FLOOD,
    }
