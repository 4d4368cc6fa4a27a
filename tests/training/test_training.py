"""Real trainings on the processor: what comes out is what is served, and sealed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from allotment.documents import ingest
from allotment.errors import DatasetError, ManifestError, MissingPartError
from allotment.models import Message, locate, template_of
from allotment.project import load_project
from allotment.training import UNGATED, adapter_versions, current_adapter, estimate, run
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
    assert (manifest.method, manifest.serves) == ("lora", "adapter")
    assert manifest.predicted is not None
    assert {"peft/adapter_model.safetensors", "metrics.jsonl", "report.html", "README.md"} <= manifest.files.keys()
    assert manifest.measured["parity"]["mean_delta"] <= manifest.measured["parity"]["tolerance"]
    assert {"python", "torch", "transformers", "peft", "trl"} <= manifest.versions.keys()
    assert company.manifests["handbook"].clearance == ("director", "employee", "sales", "warehouse")


def test_training_again_from_the_same_inputs_trains_nothing(company: Company) -> None:
    for agent in TRAINED:
        assert run(company.project, company.workspace, agent, gate=UNGATED).reused
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
        run(project, workspace, "board", gate=UNGATED)


def test_an_agent_without_an_adapter_says_how_to_train_it(company: Company) -> None:
    with pytest.raises(MissingPartError, match="allotment training run sales"):
        current_adapter(company.project, company.workspace, "sales")


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
