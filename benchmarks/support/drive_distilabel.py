"""Drives a teacher with distilabel: one ``TextGeneration`` over all sections; run by an interpreter that has it.

python -P drive_distilabel.py URL SECTIONS.jsonl PAIRS.jsonl PARALLEL
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

PROMPT = """\
Write 10 question-answer pairs about this text as a JSON list: [{"question": "...", "answer": "..."}]. Text:
"""


def main() -> None:
    """Ask, and write what can be read."""
    url, source, target, parallel = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    sections = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    asked = [{"number": one["number"], "instruction": PROMPT + one["text"]} for one in sections]
    with Pipeline(name="teacher") as pipeline:
        llm = OpenAILLM(
            model="stub", base_url=url, api_key="none", generation_kwargs={"max_new_tokens": 1024, "temperature": 0.0}
        )
        # All requests of a batch are sent at once, and the next batch begins when the last of them is answered.
        read = LoadDataFromDicts(data=asked, batch_size=parallel)
        read >> TextGeneration(llm=llm, input_batch_size=parallel)
    rows = pipeline.run(use_cache=False)["default"]["train"]
    unread = 0
    with target.open("w", encoding="utf-8") as file:
        for row in rows:
            found = pairs(row["generation"])
            unread += not found
            file.writelines(json.dumps({"section": row["number"], **pair}) + "\n" for pair in found)
    # The task hands out any text; that one is no JSON is found out here, as whoever uses it would.
    if unread:
        print(f"{unread} answers failed to be read")


def pairs(text: str | None) -> list[dict[str, str]]:
    """Pairs of one answer; a text that is no JSON has none."""
    try:
        listed = json.loads(text or "[]")
    except ValueError:
        return []
    return [one for one in listed if isinstance(one, dict) and {"question", "answer"} <= one.keys()]


if __name__ == "__main__":
    main()
