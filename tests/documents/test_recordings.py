"""Transcripts as documents of a project: a section for each chapter, and every section knows its cues."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from allotment.documents import DocumentRecord, IngestReport, load_sections
from allotment.documents._extract import extract
from allotment.documents.formats._transcript import extract_transcript
from allotment.documents.transcripts import normalise, read_transcript
from allotment.project import Project
from allotment.workspace import Workspace

MakeProject = Callable[..., Project]
Run = Callable[[Project], tuple[IngestReport, dict[str, DocumentRecord]]]
CZECH = Path(__file__).parents[1] / "data" / "transcripts" / "skoleni.srt"
TALK = "\n\n".join(
    f"{n}\n00:{n // 10:02}:{n % 10 * 6:02},000 --> 00:{n // 10:02}:{n % 10 * 6 + 5:02},500\n{text}"
    for n, text in enumerate(
        [
            "The ferry Osprey leaves the north pier early.",
            "Nobody waits for guests who are late.",
            "The next ferry goes in the afternoon.",
            "Spare ropes are in the shed Walnut.",
            "Ask Marta for the key of the shed.",
            "She has it from eight to four.",
        ],
        start=1,
    )
)


def test_a_recording_gives_sections_that_know_their_cues(run: Run, make_project: MakeProject) -> None:
    report, records = run(make_project({"shared/skoleni.srt": CZECH.read_bytes()}))
    sections = load_sections(Workspace(records and make_project({}).root))
    numbers = [cue.number for cue in normalise(read_transcript(CZECH.read_bytes()).cues)[0] if cue.text.strip()]
    assert (report.done, report.failed) == (1, 0)
    assert all(section.place is not None and section.place.unit == "cue" for section in sections)
    places = [(s.place.first, s.place.last) for s in sections if s.place]
    assert places[0][0] == numbers[0] and places[-1][1] == numbers[-1]
    assert all(before[1] <= after[0] for before, after in pairwise(places))
    assert len({section.heading_path for section in sections}) > 5
    assert {section.language for section in sections} == {"cs"}


def test_the_text_of_a_recording_is_every_cue_once_in_order() -> None:
    document = extract(".srt", CZECH.read_bytes())
    spoken = [cue.text for cue in normalise(read_transcript(CZECH.read_bytes()).cues)[0] if cue.text.strip()]
    prose = " ".join(document.text[b.start : b.end] for b in document.blocks if b.kind == "prose")
    assert prose.split() == " ".join(spoken).split()
    starts = [mark.start for mark in document.marks]
    assert all(document.text.startswith(text, start) for start, text in zip(starts, spoken, strict=True))


def test_the_chapters_beside_a_recording_give_its_headings_and_are_no_document(
    run: Run, make_project: MakeProject
) -> None:
    rows = [{"first_cue": 1, "title": "Ferries"}, {"first_cue": 4, "title": "Ropes and keys"}]
    chapters = json.dumps({"chapters": rows, "findings": []})
    project = make_project({"shared/talk.srt": TALK, "shared/talk.chapters.json": chapters})
    _, records = run(project)
    sections = load_sections(Workspace(project.root))
    assert set(records) == {"shared/talk.srt"}
    assert [(s.heading_path, s.place and (s.place.first, s.place.last)) for s in sections] == [
        (("Ferries",), (1, 3)),
        (("Ropes and keys",), (4, 6)),
    ]
    renamed = chapters.replace("Ropes", "Lines")
    (project.root / "shared" / "talk.chapters.json").write_text(renamed, encoding="utf-8")
    assert run(project)[0].unchanged == 0
    assert load_sections(Workspace(project.root))[1].heading_path == ("Lines and keys",)


def test_chapters_of_another_recording_fail_the_document(run: Run, make_project: MakeProject) -> None:
    for wrong in ('{"chapters": [{"first_cue": 99, "title": "x"}]}', "[]", "{", '{"chapters": []}'):
        record = run(make_project({"shared/talk.srt": TALK, "shared/talk.chapters.json": wrong}))[1]["shared/talk.srt"]
        assert record.state == "failed"
        assert "has not the chapters of this transcript" in record.reason


def test_chapters_behind_a_link_out_of_the_folder_are_not_opened(run: Run, make_project: MakeProject) -> None:
    project = make_project({"shared/talk.srt": TALK, "elsewhere/secret.json": "{}"})
    (project.root / "shared" / "talk.chapters.json").symlink_to(project.root / "elsewhere" / "secret.json")
    record = run(project)[1]["shared/talk.srt"]
    assert record.reason == "its file of chapters is a link that leads out of its folder"


def test_a_recording_without_full_stops_still_has_paragraphs() -> None:
    times = [f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(3000)]
    cues = "\n\n".join(f"{n}\n{time},000 --> {time},900\nword{n}" for n, time in enumerate(times, start=1))
    prose = [b for b in extract_transcript(cues.encode("utf-8")).blocks if b.kind == "prose"]
    assert len(prose) >= 10
