"""Real trainings on the processor: what comes out is what is served, sealed, and resumed after a kill."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from allotment.documents import ingest
from allotment.errors import DatasetError, ManifestError, MissingPartError
from allotment.models import Message, locate, template_of
from allotment.project import load_project
from allotment.training import adapter_versions, current_adapter, estimate, run
from allotment.training._base import load_base
from allotment.workspace import Workspace
from project_copy import copy_project
from trained_company import TRAINED, Company

pytestmark = pytest.mark.heavy


@pytest.fixture
def copied(company: Company, tmp_path: Path) -> Path:
    """The trained project in a folder of its own, without its database."""
    return copy_project(company.project, tmp_path / "project").root


def manifest_file(root: Path, agent: str = "board") -> Path:
    return root / ".allotment" / "adapters" / agent / "v1" / "manifest.json"


def test_the_manifest_seals_documents_readers_base_template_and_dataset(company: Company) -> None:
    manifest = company.manifests["board"]
    assert manifest.clearance == ("director",)
    assert {file.path.split("/")[1] for file in manifest.documents} == {"board"}
    assert manifest.base_sha256 == company.manifests["handbook"].base_sha256
    assert manifest.template_sha256 == template_of(manifest.base_model).sha256
    assert manifest.measured["final_loss"] < 0.2
    assert company.manifests["handbook"].clearance == ("director", "employee", "sales", "warehouse")


def test_training_again_from_the_same_inputs_trains_nothing(company: Company) -> None:
    for agent in TRAINED:
        assert run(company.project, company.workspace, agent).reused
        assert adapter_versions(company.workspace, agent) == ["v1"]


def test_an_estimate_counts_examples_and_knows_the_measured_rate(company: Company) -> None:
    found = estimate(company.project, company.workspace, "board")
    rates = [manifest.measured["tokens_per_second"] for manifest in company.manifests.values()]
    assert found.examples == 20
    assert found.tokens_per_second in rates
    assert found.peak_gib < 8


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"clearance": [\n   "director"\n  ]', '"clearance": [\n   "employee"\n  ]'),
        ('"version": "v1"', '"version": "v2"'),
    ],
)
def test_a_manifest_that_was_edited_is_refused(copied: Path, old: str, new: str) -> None:
    file = manifest_file(copied)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ManifestError, match="was edited"):
        current_adapter(load_project(copied), Workspace(copied), "board")


def test_a_manifest_of_another_agent_is_refused(copied: Path) -> None:
    shutil.rmtree(manifest_file(copied, "handbook").parent)
    shutil.copytree(manifest_file(copied, "board").parent, manifest_file(copied, "handbook").parent)
    with pytest.raises(ManifestError, match="not of this adapter"):
        current_adapter(load_project(copied), Workspace(copied), "handbook")


def test_an_adapter_file_that_was_exchanged_is_refused(copied: Path) -> None:
    shutil.copy(manifest_file(copied, "board").with_name("adapter.gguf"), manifest_file(copied, "handbook").parent)
    with pytest.raises(ManifestError, match="not the one that was trained"):
        current_adapter(load_project(copied), Workspace(copied), "handbook")


def test_a_manifest_cut_short_is_refused(copied: Path) -> None:
    file = manifest_file(copied)
    file.write_text(file.read_text(encoding="utf-8")[:200], encoding="utf-8")
    with pytest.raises(ManifestError, match="cannot be read"):
        current_adapter(load_project(copied), Workspace(copied), "board")


def test_a_changed_document_makes_the_adapters_that_learnt_it_stale(copied: Path) -> None:
    document = copied / "documents" / "board" / "acquisition-plan.md"
    document.write_text(document.read_text(encoding="utf-8") + "\nOne more line of the plan.\n", encoding="utf-8")
    project, workspace = load_project(copied), Workspace(copied)
    ingest(project, workspace)
    assert current_adapter(project, workspace, "board").facts.stale
    assert not current_adapter(project, workspace, "handbook").facts.stale


def test_a_relabelled_document_makes_the_adapters_that_learnt_it_stale(copied: Path) -> None:
    file = copied / "allotment.yaml"
    old = "board: {path: documents/board, readers: [director]}"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, old.replace("[director]", "[director, sales]")), encoding="utf-8")
    project, workspace = load_project(copied), Workspace(copied)
    assert not current_adapter(project, workspace, "board").facts.stale  # ingested readers are still the narrower ones
    ingest(project, workspace)
    assert current_adapter(project, workspace, "board").facts.stale


def test_a_removed_document_stops_training_from_what_was_made_of_it(copied: Path) -> None:
    (copied / "documents" / "board" / "acquisition-plan.md").unlink()
    project, workspace = load_project(copied), Workspace(copied)
    ingest(project, workspace)
    assert current_adapter(project, workspace, "board").facts.stale
    with pytest.raises(DatasetError, match="acquisition-plan"):
        run(project, workspace, "board")


def test_an_agent_without_an_adapter_says_how_to_train_it(company: Company) -> None:
    with pytest.raises(MissingPartError, match="allotment training run sales"):
        current_adapter(company.project, company.workspace, "sales")


def small_spec(folder: Path, company: Company, **settings: object) -> Path:
    lines = [
        {"prompt": f"<start_of_turn>user\nCode of dock {n}?<end_of_turn>\n<start_of_turn>model\n", "answer": f"K{n}."}
        for n in range(6)
    ]
    folder.mkdir()
    for line in lines:
        line["answer"] += "<end_of_turn>"
    (folder / "examples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    training = {**company.project.training.model_dump(), "epochs": 3, "batch_size": 3, "target_loss": 0.0, **settings}
    manifest = company.manifests["board"]
    spec = {"base_file": str(locate(manifest.base_model)), "base_sha256": manifest.base_sha256, "training": training}
    spec |= {"examples_file": str(folder / "examples.jsonl"), "out": str(folder)}
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    return folder / "spec.json"


def worker(spec: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "allotment.training._worker", str(spec)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_training_goes_on_from_its_last_whole_checkpoint(company: Company, tmp_path: Path) -> None:
    spec = small_spec(tmp_path / "run", company)
    with worker(spec) as first:
        for line in first.stdout or ():
            event = json.loads(line)
            if event["kind"] == "step" and event["done"] == 3:  # one step into the second epoch
                first.send_signal(signal.SIGKILL)
                break
    with worker(spec) as second:
        said = [json.loads(line) for line in second.stdout or ()]
    assert second.returncode == 0
    assert [event["done"] for event in said if event["kind"] == "step"] == [3, 4, 5, 6]
    result = json.loads((spec.parent / "result.json").read_text(encoding="utf-8"))
    assert result["state"] == "ok"
    measured = result["measured"]
    assert (measured["epochs"], measured["epochs_before_resume"]) == (3, 1)
    done_here = measured["tokens"] * 2 / 3
    assert measured["tokens_per_second"] == pytest.approx(done_here / measured["seconds"], rel=0.05)


def test_examples_that_are_all_too_long_end_as_bad_data(company: Company, tmp_path: Path) -> None:
    spec = small_spec(tmp_path / "run", company, max_length=4)
    with worker(spec) as process:
        process.communicate()
    assert process.returncode == 22
    assert json.loads((spec.parent / "result.json").read_text(encoding="utf-8"))["state"] == "bad-data"


@pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by a name that is to go
def test_what_the_engine_serves_is_what_was_trained(company: Company) -> None:
    """Greedy answers of PEFT and of the embedded engine are the same text, from the same number of prompt tokens."""
    import torch
    from peft import PeftModel

    from allotment.access import Policy, Principal, Request
    from allotment.agents import recite
    from allotment.audit import authorize
    from allotment.dataset import load_items
    from allotment.models import Engines

    manifest = company.manifests["board"]
    base, tokenizer = load_base(locate(manifest.base_model), manifest.base_sha256)
    model = PeftModel.from_pretrained(base, Path(manifest.folder) / "peft").eval()
    template = template_of(manifest.base_model)
    stop = tokenizer.convert_tokens_to_ids(template.stop)
    items = [item for item in load_items(company.workspace, "board") if item.split == "train"][::4]
    request = Request("board", manifest.facts)
    policy = Policy.of(company.project)
    grant = authorize(company.audit, policy, Principal("dana", "director"), request, question="parity")
    with Engines() as engines:
        for item in items:
            prompt = template.render([Message("user", item.question)], add_generation_prompt=True)
            ids = tokenizer(prompt, return_tensors="pt")
            with torch.no_grad():
                out = model.generate(**ids, max_new_tokens=48, do_sample=False, eos_token_id=stop)
            trained = tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True).strip()
            served = recite(engines, manifest, grant, item.question)
            assert served.prompt_tokens == ids["input_ids"].shape[1]
            assert served.text.strip() == trained
