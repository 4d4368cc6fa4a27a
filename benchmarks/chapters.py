"""How near chapters come to those made by hand, beside baselines; and how long a recording of 2.5 hours takes.

Reads the talks of ``../shared/data/transcripts`` (or the folder given) and the Czech training among the tests, measures
with chunkseg, and writes ``benchmarks/results/chapters.json``. ``--without-model`` leaves titles and times out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from chapter_baselines import even_cuts, random_cuts, treeseg_cuts

from allotment.documents.transcripts import (
    Cue,
    Transcript,
    format_time,
    load_transcript,
    make_chapters,
    normalise,
    segment,
)
from allotment.models import Engine, Engines, pull

RESULTS = Path(__file__).parent / "results"
TALKS = Path(__file__).parents[2] / "shared" / "data" / "transcripts"
CZECH = Path(__file__).parents[1] / "tests" / "data" / "transcripts"
TEACHER = "qwen2.5-coder-1.5b-instruct"
LEVELS = ("coarse", "fine")
METRICS = {"B": "boundary_similarity", "F1": "collar_f1", "WD": "window_diff", "Pk": "pk"}
SEEDS = 20
HOUR_MS = 3_600_000
LONG_MS = 2.5 * HOUR_MS

Scores = dict[str, float]
Cuts = Callable[[int], list[int]]
"""From a number of chapters to the first cues of all but the first."""


@dataclass(frozen=True)
class Talk:
    """A transcript after repair, and its chapters made by hand: level → (first cue, title)."""

    name: str
    cues: tuple[Cue, ...]
    by_hand: dict[str, list[tuple[int, str]]]

    @property
    def end_s(self) -> float:
        """Until the first silence of an hour: one talk has a stray cue six hours after its end."""
        ends = [one.end_ms for one, after in pairwise(self.cues) if after.start_ms - one.end_ms > HOUR_MS]
        return (ends[0] if ends else max(cue.end_ms for cue in self.cues)) / 1000

    def times(self, cuts: Sequence[int]) -> list[float]:
        return [self.cues[at].start_ms / 1000 for at in cuts]


def load(path: Path) -> Talk:
    """A talk and its chapters; a chapter begins at the first cue of its number or a later one."""
    cues, _ = normalise(load_transcript(path).cues)
    raw = json.loads(path.with_suffix(".chapters.json").read_text(encoding="utf-8"))

    def place(number: int) -> int:
        return next(at for at, cue in enumerate(cues) if cue.number >= number)

    chapters = {level: [(place(item["first_cue"]), item["title"]) for item in raw[level]] for level in LEVELS}
    return Talk(path.stem, tuple(cues), chapters)


def main() -> None:
    """Run, print the table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--talks", type=Path, default=TALKS)
    parser.add_argument("--without-model", action="store_true")
    options = parser.parse_args()
    paths = [*sorted(options.talks.glob("*.srt")), *sorted(CZECH.glob("*.srt"))]
    talks = [load(path) for path in paths if path.with_suffix(".chapters.json").is_file()]
    figures: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "chapters": {talk.name: measure(talk) for talk in talks},
    }
    figures["mean"] = {"talks": mean_of(figures, "talk"), "czech": mean_of(figures, "skoleni")}
    show(figures["mean"])
    if not options.without_model:
        figures |= measure_model(talks)
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "chapters.json"
    target.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(talk: Talk) -> dict[str, Any]:
    """Level → row → scores. ``known`` rows are told how many chapters there are, the others take as many as ours."""
    found: dict[str, Any] = {}
    own = len(segment(talk.cues))
    methods: dict[str, Cuts] = {
        "ours": lambda count: [chapter.first for chapter in segment(talk.cues, count)[1:]],
        "even": lambda count: even_cuts(talk.cues, count, talk.end_s),
        "treeseg": lambda count: treeseg_cuts(talk.cues, count),
    }
    for level in LEVELS:
        rows = {"none": score(talk, level, [])}
        for suffix, count in (("", own), (", known", len(talk.by_hand[level]))):
            rows |= {name + suffix: score(talk, level, cut(count)) for name, cut in methods.items()}
            drawn = [score(talk, level, random_cuts(talk.cues, count, seed)) for seed in range(SEEDS)]
            rows["random" + suffix] = {metric: round(fmean(one[metric] for one in drawn), 3) for metric in METRICS}
        found[level] = {"chapters": own, "by hand": len(talk.by_hand[level]), "rows": rows}
    return found


def score(talk: Talk, level: str, cuts: Sequence[int]) -> Scores:
    """Boundary similarity, collar F1 (3 s), WindowDiff and Pk of cuts, by chunkseg with its defaults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import chunkseg

        wanted = talk.times([at for at, _ in talk.by_hand[level] if at])
        values = chunkseg.evaluate(talk.times(cuts), wanted, talk.end_s)
    return {short: round(float(values[name]), 3) for short, name in METRICS.items()}


def mean_of(figures: dict[str, Any], prefix: str) -> dict[str, dict[str, Scores]]:
    """Level → row → mean over the talks whose names begin so."""
    talks = [value for name, value in figures["chapters"].items() if name.startswith(prefix)]
    return {
        level: {
            row: {metric: round(fmean(talk[level]["rows"][row][metric] for talk in talks), 3) for metric in METRICS}
            for row in (talks[0][level]["rows"] if talks else ())
        }
        for level in LEVELS
    }


def show(means: dict[str, Any]) -> None:
    """Print the means as a table."""
    for name, levels in means.items():
        for level, rows in levels.items():
            print(f"\n{name}, {level:8}      " + "".join(f"{metric:>8}" for metric in METRICS))
            for row, scores in rows.items():
                print(f"{row:24}" + "".join(f"{scores[metric]:8.3f}" for metric in METRICS), flush=True)


def measure_model(talks: Sequence[Talk]) -> dict[str, Any]:
    """Titles of every talk and their ROUGE-L, and the times of a long recording."""
    pull(TEACHER)
    with Engines() as engines:
        engine = engines.get(TEACHER)
        titles = {talk.name: title(talk, engine) for talk in talks}
        return {"titles": titles, "long": time_long(talks, engine)}


def title(talk: Talk, engine: Engine) -> dict[str, Any]:
    """Titles by the model, and ROUGE-L of all together against those by hand; beside it the first words said."""
    began = time.monotonic()
    result = make_chapters(Transcript(talk.cues), engine)
    made = [chapter.title for chapter in result.chapters]
    first_words = [" ".join(talk.cues[chapter.first].text.split()[:6]) for chapter in segment(talk.cues)]
    found = {
        "seconds": round(time.monotonic() - began, 1),
        "failed": [finding.detail for finding in result.failed],
        "titles": made,
        "rouge_l": {level: rouge(made, talk.by_hand[level]) for level in LEVELS},
        "rouge_l of first words": {level: rouge(first_words, talk.by_hand[level]) for level in LEVELS},
    }
    print(json.dumps({talk.name: found}, ensure_ascii=False), flush=True)
    return found


def rouge(made: Sequence[str], by_hand: Sequence[tuple[int, str]]) -> float:
    """F of ROUGE-L over all titles, one a line."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    wanted = "\n".join(title for _, title in by_hand)
    return round(float(scorer.score(wanted, "\n".join(made))["rougeL"].fmeasure), 3)


def time_long(talks: Sequence[Talk], engine: Engine) -> dict[str, Any]:
    """Seconds for a transcript of two and a half hours, made of the talks one after the other, Czech and English."""
    cues = list(long_cues(talks))
    began = time.monotonic()
    result = make_chapters(Transcript(tuple(cues)), engine)
    seconds = round(time.monotonic() - began, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.srt"
        path.write_text("\n".join(map(as_srt, cues)), encoding="utf-8")
        began = time.monotonic()
        command = [sys.executable, "-c", "from allotment.cli import main; main()", "transcripts", "check", str(path)]
        subprocess.run(command, capture_output=True, check=False)
        check_s = round(time.monotonic() - began, 2)
    found = {
        "cues": len(cues),
        "words": sum(len(cue.text.split()) for cue in cues),
        "minutes": round(cues[-1].end_ms / 60_000, 1),
        "chapters": len(result.chapters),
        "failed": [finding.detail for finding in result.failed],
        "seconds": seconds,
        "check_s": check_s,
    }
    print(json.dumps({"long": found}), flush=True)
    return found


def long_cues(talks: Sequence[Talk]) -> Iterator[Cue]:
    """Cues of the talks, the longest first, again and again with later times, for two and a half hours."""
    shift, number = 0, 0
    order = sorted(talks, key=lambda talk: -talk.end_s)
    while shift < LONG_MS:
        for talk in order:
            for cue in talk.cues:
                if cue.end_ms > talk.end_s * 1000 or shift + cue.end_ms > LONG_MS:
                    break
                number += 1
                yield replace(cue, number=number, start_ms=shift + cue.start_ms, end_ms=shift + cue.end_ms)
            shift += round(talk.end_s * 1000)


def as_srt(cue: Cue) -> str:
    """A cue as it stands in a file."""
    start, end = (format_time(moment).replace(".", ",") for moment in (cue.start_ms, cue.end_ms))
    return f"{cue.number}\n{start} --> {end}\n{cue.text}\n"


if __name__ == "__main__":
    main()
