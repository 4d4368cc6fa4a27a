"""The client a dataset is generated with: very many completions of one model, one by one or as batches."""

from allotment.models.client._ask import Answer, Ask, ClientLimits, Failure, FailureReason
from allotment.models.client._batch import BatchRun
from allotment.models.client._batch_files import BatchLimits
from allotment.models.client._client import ModelClient
from allotment.models.client._health import ClientState
from allotment.models.client._open import open_client
from allotment.models.client._read_json import read_json

__all__ = [
    "Answer",
    "Ask",
    "BatchLimits",
    "BatchRun",
    "ClientLimits",
    "ClientState",
    "Failure",
    "FailureReason",
    "ModelClient",
    "open_client",
    "read_json",
]
