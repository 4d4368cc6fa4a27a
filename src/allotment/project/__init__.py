"""``allotment.yaml`` as one typed model: roles, documents, agents, models, databases, accounts.

Reading it checks everything that can be known without opening a document or a database, and fails
closed: an unknown role, an empty list of readers, or an agent whose roles may not read its documents
is an error with its place, never a default.
"""

from allotment.project._administration import PARTS, AdminRole, Changeable, Part
from allotment.project._agents import AgentConfig, RoutingConfig
from allotment.project._answers import AnswerLimits
from allotment.project._audit import AuditConfig, QuestionsKept
from allotment.project._base import Scalar
from allotment.project._databases import USER, AccountConfig, DatabaseConfig, TableGrant
from allotment.project._dataset import DatasetConfig, Rewrite
from allotment.project._documents import ALL_FILES, DocumentSet, PersonalDataConfig, PersonalKind, SectionsConfig
from allotment.project._feedback import FeedbackConfig
from allotment.project._gateway import GatewayConfig, Limit, LimitsConfig, LogConfig, Scope, StateConfig, TimeoutsConfig
from allotment.project._guard_models import HubClassifierConfig, JudgeConfig
from allotment.project._guards import AgentGuards, GuardsConfig, SecretKind
from allotment.project._history import HistoryConfig
from allotment.project._identity import IdentityConfig, OidcConfig
from allotment.project._limits import DatabaseLimits
from allotment.project._load import PROJECT_FILE, load_project
from allotment.project._models import ModelLimits, ModelPrice, ModelsConfig
from allotment.project._project import Project
from allotment.project._training import TrainingConfig

__all__ = [
    "ALL_FILES",
    "PARTS",
    "PROJECT_FILE",
    "USER",
    "AccountConfig",
    "AdminRole",
    "AgentConfig",
    "AgentGuards",
    "AnswerLimits",
    "AuditConfig",
    "Changeable",
    "DatabaseConfig",
    "DatabaseLimits",
    "DatasetConfig",
    "DocumentSet",
    "FeedbackConfig",
    "GatewayConfig",
    "GuardsConfig",
    "HistoryConfig",
    "HubClassifierConfig",
    "IdentityConfig",
    "JudgeConfig",
    "Limit",
    "LimitsConfig",
    "LogConfig",
    "ModelLimits",
    "ModelPrice",
    "ModelsConfig",
    "OidcConfig",
    "Part",
    "PersonalDataConfig",
    "PersonalKind",
    "Project",
    "QuestionsKept",
    "Rewrite",
    "RoutingConfig",
    "Scalar",
    "Scope",
    "SecretKind",
    "SectionsConfig",
    "StateConfig",
    "TableGrant",
    "TimeoutsConfig",
    "TrainingConfig",
    "load_project",
]
