"""``allotment.yaml`` as one typed model: roles, documents, agents, models, databases, accounts.

Reading it checks everything that can be known without opening a document or a database, and fails
closed: an unknown role, an empty list of readers, or an agent whose roles may not read its documents
is an error with its place, never a default.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from allotment.errors import ProjectError

__all__ = [
    "ALL_FILES",
    "PROJECT_FILE",
    "AccountConfig",
    "AgentConfig",
    "DatabaseConfig",
    "DatasetConfig",
    "DocumentSet",
    "ModelLimits",
    "ModelPrice",
    "ModelsConfig",
    "PersonalDataConfig",
    "PersonalKind",
    "Project",
    "Rewrite",
    "RoutingConfig",
    "SectionsConfig",
    "TableGrant",
    "TrainingConfig",
    "load_project",
]

PROJECT_FILE = "allotment.yaml"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}\Z")


def _check_name(value: str) -> str:
    if not _NAME.match(value):
        raise ValueError(f"{value!r} is not a name: use a-z, 0-9, _ and -, starting with a letter, at most 41 long")
    return value


Name = Annotated[str, AfterValidator(_check_name)]
PersonalKind = Literal["emails", "phones", "ibans", "cards", "national-ids", "names"]
Rewrite = Literal["summary", "explanation", "dialogue"]
Scalar = str | int | float | bool


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


ALL_FILES: tuple[str, ...] = ("**/*",)


class DocumentSet(_Strict):
    """Documents that share their readers."""

    path: Path
    """File or folder, relative to ``allotment.yaml``."""
    readers: frozenset[Name] = Field(min_length=1)
    """Roles that may read every document of the set."""
    include: tuple[str, ...] = ALL_FILES
    """Glob patterns of files taken from a folder; without them all that can be read and are not hidden."""
    exclude: tuple[str, ...] = ()
    """Glob patterns of files left out."""
    reader: Literal["builtin", "docling"] = "builtin"
    """What reads Word documents and PDFs; ``docling`` needs ``allotment[docling]`` and its models, and is slow."""
    scrub: tuple[PersonalKind, ...] = ()
    """Personal data replaced by pseudonyms before anything of the documents is kept or sent to a teacher."""


class PersonalDataConfig(_Strict):
    """How personal data is found in the document sets that name ``scrub``."""

    names: Path | None = None
    """Text file with one person a line, first name first; their Czech and Slovak forms are found as well."""
    pipeline: str | None = None
    """spaCy pipeline that finds names of people, for example ``xx_ent_wiki_sm``; needs ``allotment[names]``."""
    regions: tuple[str, ...] = ("CZ", "SK", "DE", "AT", "PL", "GB", "US")
    """Countries whose telephone numbers are known without their code."""


class SectionsConfig(_Strict):
    """How large the sections are that documents are cut into."""

    floor_tokens: int = Field(default=14, ge=1)
    """A section with less prose than this joins its neighbour; a document with less is left out."""
    ceiling_tokens: int = Field(default=512, ge=64)
    """No section is larger; what fits in one (a code block, a row, a list item) is never torn."""

    @model_validator(mode="after")
    def _floor_below_ceiling(self) -> Self:
        if 2 * self.floor_tokens > self.ceiling_tokens:
            raise ValueError("floor_tokens may be at most half of ceiling_tokens")
        return self


class ModelLimits(_Strict):
    """How hard a model may be driven when very many completions are asked of it."""

    parallel: int | None = Field(default=None, ge=1, le=4096)
    """Most requests in flight; without it 256 for a server and 4, which is the most, for the embedded engine."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """Most requests in any 60 seconds; without it only the server's own refusals slow the requests."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Most tokens, read and written together, in any 60 seconds."""
    timeout_s: float | None = Field(default=None, gt=0)
    """Seconds a request may take; without it they follow from how long the server's answers take."""


class ModelPrice(_Strict):
    """What a model's tokens cost, in USD for a million."""

    input: float = Field(ge=0)
    """A million tokens of prompts."""
    output: float = Field(ge=0)
    """A million tokens of answers."""
    batch_discount: float = Field(default=0.0, ge=0, lt=1)
    """Share taken off by the provider's batch endpoint."""
    as_of: date | None = None
    """Day the price was looked up."""
    source: str = ""
    """Who published it."""

    def usd(self, prompt_tokens: float, completion_tokens: float, *, batch: bool = False) -> float:
        """Price of so many tokens."""
        full = (prompt_tokens * self.input + completion_tokens * self.output) / 1e6
        return full * (1 - self.batch_discount) if batch else full


class ModelsConfig(_Strict):
    """Which models do what; names from the catalogue, or paths of GGUF files, relative to ``allotment.yaml``."""

    teacher: str = "qwen2.5-coder-1.5b-instruct"
    """Writes questions and answers."""
    base: str = "gemma-3-270m"
    """The frozen model under every adapter."""
    sql: str = "qwen2.5-coder-1.5b-instruct"
    """Writes SQL for agents with an account."""
    threads: int = Field(default=0, ge=0)
    """Processor threads of the embedded engine; 0 takes all cores."""
    prices: dict[str, ModelPrice] = Field(default_factory=dict)
    """Model (its name here, or the part after ``#``) → what its tokens cost; before the shipped prices."""
    limits: dict[str, ModelLimits] = Field(default_factory=dict)
    """Model, by the name it has above → how hard it may be driven."""


class DatabaseConfig(_Strict):
    """A PostgreSQL database: embedded and loaded from a file, or your own by URL."""

    load: Path | None = None
    """SQL file the embedded server loads once, relative to ``allotment.yaml``."""
    url: str | None = None
    """Administrative URL of your own server, or ``env:NAME`` to read it from the environment."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.load is None) == (self.url is None):
            raise ValueError("give exactly one of load: FILE.sql (embedded server) and url: (your own server)")
        return self


class TableGrant(_Strict):
    """What one account sees of one table."""

    columns: tuple[str, ...] = Field(min_length=1)
    """Columns it may read, by name."""
    rows: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict)
    """Row filter kept by the database: column → value, or list of values. Empty: every row."""


class AccountConfig(_Strict):
    """A PostgreSQL login role of an agent's own."""

    database: Name
    """The database it logs in to."""
    tables: dict[str, TableGrant] = Field(min_length=1)
    """Table (``name`` or ``schema.name``) → what may be read of it."""


class AgentConfig(_Strict):
    """One agent: whom it serves, what it learns, which account it works with."""

    description: str = ""
    """What it is asked about, in words; the router reads it."""
    roles: frozenset[Name] = Field(min_length=1)
    """Roles it serves; its dataset takes only what *all* of them may read."""
    documents: tuple[Name, ...] = Field(min_length=1)
    """Document sets it learns."""
    account: Name | None = None
    """Its database account; none means it has no database."""


class RoutingConfig(_Strict):
    """Which entitled agent answers."""

    default: dict[Name, Name] = Field(default_factory=dict)
    """Role → agent that gets a question no agent clearly matches."""


class DatasetConfig(_Strict):
    """What the teacher writes about each section, and what is mixed in."""

    questions: int = Field(default=10, ge=1, le=50)
    """Facts asked for in one round over a section."""
    rounds: int = Field(default=3, ge=1, le=10)
    """Rounds over every section; each asks for facts the rounds before did not."""
    paraphrases: int = Field(default=4, ge=0, le=20)
    """Other wordings of each question; of two or more, one is held out of training."""
    answer_paraphrases: int | None = Field(default=None, ge=0, le=10)
    """Other wordings of each answer; without it half as many as of its question."""
    backwards: bool = True
    """Whether each fact is asked backwards as well: from its value to whom or what it belongs to."""
    rewrites: tuple[Rewrite, ...] = ("summary", "explanation", "dialogue")
    """Ways in which each section is told anew."""
    text: bool = False
    """Whether the sections themselves are learnt as they stand."""
    personas: bool = True
    """Whether questions are worded for the roles that will ask, by what ``roles`` says of them."""
    unknown_share: float = Field(default=0.05, ge=0, le=0.5)
    """Questions the documents do not answer, with an honest answer, as a share of the facts' training items."""
    general_share: float = Field(default=0.05, ge=0, le=0.5)
    """Conversation that is about no document, as a share of the facts' training items."""
    validation_share: float = Field(default=0.0, ge=0, le=0.5)
    """Share kept out of training by whole documents. What is kept out is not learnt: an agent needs none of it."""
    language: str | None = None
    """Language of questions and answers; none means the section's own."""
    embeddings: str | None = None
    """Model of a server, as ``URL#MODEL``, whose embeddings find duplicates; none compares letters and words."""
    judge: str | None = None
    """Model that judges every pair and answers every question from its section; none judges by rules alone."""


class TrainingConfig(_Strict):
    """How an adapter, or a model of an agent's own, is trained."""

    method: Literal["lora", "qlora", "dora", "rslora", "partial", "full"] = "lora"
    """``lora``: new small matrices on a frozen model. ``qlora``: the same with the frozen model in 4 bits (NF4).
    ``rslora``: scaled by the root of the rank. ``dora``: with learnt magnitudes; it must be merged to be served.
    ``partial``: the layers named in ``unfrozen``. ``full``: everything."""
    rank: int = Field(default=16, ge=1, le=256)
    """Rank of the adapter's matrices."""
    alpha: int = Field(default=32, ge=1)
    """Scale of the adapter: its weights count alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the adapter's inputs left out at random in each step."""
    target_modules: tuple[str, ...] = ("all-linear",)
    """Linear layers that get an adapter, by the end of their names (``q_proj``); ``all-linear`` is every one but the
    head."""
    unfrozen: tuple[str, ...] = ()
    """For ``partial``: what is trained, as parts of parameter names (``layers.17``, ``norm``)."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Number format of the frozen weights and of the computation; ``auto`` takes what the device computes fast."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Step size of the optimizer."""
    epochs: int = Field(default=10, ge=1)
    """Passes over the dataset, at most."""
    batch_size: int = Field(default=8, ge=1)
    """Examples in one step of the optimizer; never changed to save memory."""
    micro_batch_tokens: int | None = Field(default=None, ge=32)
    """Most tokens in one forward pass; a step takes as many passes as it needs. Without it the whole batch, and half as
    many again each time memory runs out."""
    max_length: int = Field(default=512, ge=32)
    """Longest example in tokens; longer ones are reported and dropped, never cut."""
    packing: bool = True
    """Whether examples lie end to end in a pass, each seeing only itself; else they are filled up to the longest."""
    gradient_checkpointing: bool | Literal["auto"] = "auto"
    """Whether activations are computed twice to save memory; ``auto`` only where they would not fit."""
    liger: bool | Literal["auto"] = "auto"
    """Whether Liger's kernels are used; ``auto`` where they are installed and there is a CUDA card."""
    compile: bool = False
    """Whether the model is compiled; it takes minutes and pays in long trainings on a card."""
    target_loss: float = Field(default=0.02, ge=0)
    """An epoch whose mean answer-token loss falls below this is the last one."""
    patience: int = Field(default=2, ge=0)
    """Epochs the loss on held-out documents may fail to fall before training stops and the best is kept; 0 never stops.
    Documents are held out with ``dataset.validation_share``."""
    probe_steps: int = Field(default=10, ge=0)
    """Steps measured on the heaviest batch, with an evaluation and a save, before the training; 0 measures nothing."""
    checkpoint_minutes: float = Field(default=5.0, gt=0)
    """Most minutes of work a kill can lose; a checkpoint is written at every epoch's end besides."""
    cards: int = Field(default=1, ge=1, le=64)
    """Cards of one machine that share the training."""
    sharding: Literal["none", "fsdp"] = "none"
    """With several cards: each holds the whole model, or a shard of it."""
    price_usd_per_hour: float | None = Field(default=None, ge=0)
    """What the machine costs an hour; the money spent so far is shown and recorded."""
    report_to: tuple[Literal["trackio", "mlflow"], ...] = ()
    """Trackers told of every step, besides the run's own ``metrics.jsonl``."""
    seed: int = 7
    """Seed of everything random; the same seed on the same machine gives the same adapter."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.method == "partial") != bool(self.unfrozen):
            raise ValueError("unfrozen goes with method: partial, and partial needs it")
        if self.sharding == "fsdp" and (self.cards < 2 or self.method == "qlora"):
            raise ValueError("sharding: fsdp needs cards: 2 or more, and a method other than qlora")
        return self


class Project(_Strict):
    """A whole project: ``allotment.yaml`` read, checked and frozen."""

    root: Path
    """Folder ``allotment.yaml`` lies in."""
    name: str = Field(min_length=1, max_length=80)
    """Name of the company, shown on the pages."""
    roles: dict[Name, str] = Field(min_length=1)
    """Role → what it is for."""
    users: dict[Name, Name] = Field(default_factory=dict)
    """User → role. A user whose login was made with another role is refused until the two agree."""
    documents: dict[Name, DocumentSet] = Field(min_length=1)
    """Document set → where it lies and who reads it."""
    sections: SectionsConfig = SectionsConfig()
    """How documents are cut."""
    personal_data: PersonalDataConfig = PersonalDataConfig()
    """How personal data is found."""
    models: ModelsConfig = ModelsConfig()
    """Which models do what."""
    databases: dict[Name, DatabaseConfig] = Field(default_factory=dict)
    """Database → where it comes from."""
    accounts: dict[Name, AccountConfig] = Field(default_factory=dict)
    """PostgreSQL login role → what it sees."""
    agents: dict[Name, AgentConfig] = Field(min_length=1)
    """Agent → whom it serves and what it learns."""
    routing: RoutingConfig = RoutingConfig()
    """Which entitled agent answers."""
    dataset: DatasetConfig = DatasetConfig()
    """How many questions the teacher writes."""
    training: TrainingConfig = TrainingConfig()
    """How adapters are trained."""

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        problems = [*_dangling(self), *_clearance_gaps(self), *_shared_accounts(self), *_nameless(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def readers_of(self, document_set: str) -> frozenset[str]:
        """Roles that may read a document set; an unknown set has none."""
        entry = self.documents.get(document_set)
        return entry.readers if entry else frozenset()


def _dangling(project: Project) -> list[str]:
    found: list[str] = []

    def need(kind: str, value: str, known: Any, where: str) -> None:
        if value not in known:
            choice = ", ".join(sorted(known)) or "none are declared"
            found.append(f"{where}: unknown {kind} {value!r} (known: {choice})")

    for user, role in project.users.items():
        need("role", role, project.roles, f"users.{user}")
    for name, documents in project.documents.items():
        for role in sorted(documents.readers):
            need("role", role, project.roles, f"documents.{name}.readers")
    for name, account in project.accounts.items():
        need("database", account.database, project.databases, f"accounts.{name}.database")
    for name, agent in project.agents.items():
        for role in sorted(agent.roles):
            need("role", role, project.roles, f"agents.{name}.roles")
        for document_set in agent.documents:
            need("document set", document_set, project.documents, f"agents.{name}.documents")
        if agent.account is not None:
            need("account", agent.account, project.accounts, f"agents.{name}.account")
    for role, agent_name in project.routing.default.items():
        need("role", role, project.roles, "routing.default")
        need("agent", agent_name, project.agents, f"routing.default.{role}")
        if agent_name in project.agents and role not in project.agents[agent_name].roles:
            found.append(f"routing.default.{role}: agent {agent_name!r} does not serve the role {role!r}")
    return found


def _clearance_gaps(project: Project) -> list[str]:
    found: list[str] = []
    for name, agent in project.agents.items():
        for document_set in agent.documents:
            missing = agent.roles - project.readers_of(document_set)
            if document_set in project.documents and missing:
                found.append(
                    f"agents.{name}: serves {', '.join(sorted(missing))}, who may not read the documents"
                    f" {document_set!r}; take the role from the agent, or add it to documents.{document_set}.readers"
                )
    return found


def _shared_accounts(project: Project) -> list[str]:
    owner: dict[str, str] = {}
    found: list[str] = []
    for name, agent in project.agents.items():
        if agent.account is None:
            continue
        if agent.account in owner:
            found.append(
                f"agents.{name}.account: {agent.account!r} already belongs to agent {owner[agent.account]!r};"
                " every agent needs an account of its own"
            )
        owner.setdefault(agent.account, name)
    return found


def _nameless(project: Project) -> list[str]:
    """Document sets whose names are to be replaced although nothing can find them."""
    config = project.personal_data
    if config.names is not None or config.pipeline is not None:
        return []
    return [
        f"documents.{name}.scrub: names need personal_data.names (a file) or personal_data.pipeline (spaCy)"
        for name, documents in project.documents.items()
        if "names" in documents.scrub
    ]


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML loader that refuses a key written twice, which plain YAML would silently overwrite."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is there twice", key_node.start_mark)
        seen.add(key)
    mapping: dict[Any, Any] = loader.construct_mapping(node, deep=deep)
    return mapping


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def load_project(root: Path) -> Project:
    """Read and check ``allotment.yaml`` in the folder ``root``.

    Raises:
        ProjectError: no such file, not YAML, or a declaration is wrong; the message names every fault found.
    """
    file = root / PROJECT_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise ProjectError(
            f"there is no {PROJECT_FILE} here.",
            element=str(root),
            remedy="Make a project with `allotment init DIR`, or name its folder with -C.",
        ) from None
    except (UnicodeDecodeError, OSError) as error:
        raise ProjectError(f"cannot be read ({error}).", element=str(file), remedy="Save it as UTF-8 text.") from error
    try:
        raw = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader with one more check
    except yaml.YAMLError as error:
        raise ProjectError(f"is not valid YAML: {error}.", element=str(file), remedy="Mend the line named.") from error
    if not isinstance(raw, dict):
        raise ProjectError("is empty or not a mapping.", element=str(file), remedy="See docs/project.md for its form.")
    try:
        return _with_own_models(Project.model_validate({**raw, "root": root.resolve()}))
    except ValidationError as error:
        faults = "; ".join(_one_fault(item) for item in error.errors())
        raise ProjectError(f"{faults}.", element=str(file), remedy="Mend the entries named.") from error


def _with_own_models(project: Project) -> Project:
    """The project with paths of GGUF files relative to ``allotment.yaml``, not to wherever the command is run."""
    named = {use: getattr(project.models, use) for use in ("teacher", "base", "sql")}
    own = {use: str(project.root / Path(name).expanduser()) for use, name in named.items() if name.endswith(".gguf")}
    return project.model_copy(update={"models": project.models.model_copy(update=own)})


def _one_fault(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
