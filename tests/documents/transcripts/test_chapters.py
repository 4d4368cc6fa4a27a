"""A recording's chapters in the form that is handed out."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_engine import ScriptedEngine, ordinal, titles

from allotment.documents.transcripts import Cue, Transcript, load_transcript, make_chapters
from allotment.models import Engines, pull

DATA = Path(__file__).parents[2] / "data" / "transcripts"
TEACHER = "qwen2.5-coder-1.5b-instruct"

transcripts = st.lists(
    st.builds(
        Cue,
        number=st.integers(1, 9999),
        start_ms=st.integers(0, 9_000_000),
        end_ms=st.integers(0, 9_000_000),
        text=st.sampled_from(("So the next thing.", "tak jo", "a", "Google Chrome", "blblblblblblblbl")),
    ),
    min_size=1,
    max_size=40,
).map(lambda cues: Transcript(tuple(cues)))


@settings(deadline=None)
@given(transcripts)
def test_chapters_touch_and_begin_with_the_first_cue(transcript: Transcript) -> None:
    result = make_chapters(transcript, ScriptedEngine(titles(ordinal)))
    first, last = result.chapters[0], result.chapters[-1]
    assert first.first_cue == transcript.cues[0].number
    assert all(before.end == after.start for before, after in pairwise(result.chapters))
    assert all(chapter.start <= chapter.end for chapter in result.chapters)
    assert first.start <= last.end
    assert len({chapter.title for chapter in result.chapters}) == len(result.chapters)


def test_the_czech_training_is_covered_from_its_first_cue_to_its_last_word() -> None:
    result = make_chapters(load_transcript(DATA / "skoleni.srt"), ScriptedEngine(titles(ordinal)))
    assert 6 <= len(result.chapters) <= 20
    assert result.chapters[0].first_cue == 1
    assert result.chapters[0].start < "00:00:05"
    assert "00:46:00" < result.chapters[-1].end < "00:48:00"
    assert {"repetition", "numbering"} <= {finding.kind for finding in result.findings}
    assert result.failed == []


@pytest.mark.heavy
def test_the_embedded_model_titles_a_short_czech_talk_in_english() -> None:
    pull(TEACHER)
    cues = load_transcript(DATA / "skoleni.srt").cues[40:145]
    with Engines() as engines:
        result = make_chapters(Transcript(cues), engines.get(TEACHER))
    assert 2 <= len(result.chapters) <= 6
    assert len(result.failed) <= 1
    assert all(chapter.title.isascii() for chapter in result.chapters)
