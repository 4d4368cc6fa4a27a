"""The heap of a training process: settings it is started with, pages it gives back, and what that saves."""

from __future__ import annotations

import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from allotment.training.worker import _heap
from allotment.training.worker._heap import give_back, tidy_heap, worker_environment

GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")

TRAIN = """
import sys, torch
from transformers import AutoModelForCausalLM, LlamaConfig
from allotment.training.worker._heap import give_back, tidy_heap
torch.set_num_threads(1)
model = AutoModelForCausalLM.from_config(LlamaConfig(
    hidden_size=256, num_hidden_layers=8, num_attention_heads=4, intermediate_size=1024, vocab_size=128))
def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
tidy = sys.argv[1] == "tidy"
if tidy:
    tidy_heap(model)
before = peak()
for _ in range(3):
    model(input_ids=torch.randint(0, 128, (1, 1024)), use_cache=False).logits.square().mean().backward()
    model.zero_grad()
    if tidy:
        give_back()
print(peak() - before)
"""


@GLIBC
def test_settings_are_added_to_those_that_are_there_which_stay() -> None:
    found = worker_environment({"HOME": "/h", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=3:glibc.malloc.check=1"})
    settings = dict(one.split("=") for one in found["GLIBC_TUNABLES"].split(":"))
    assert found["HOME"] == "/h"
    assert settings == {"glibc.malloc.tcache_count": "3", "glibc.malloc.check": "1", "glibc.malloc.mxfast": "0"}


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_heap, "platform", SimpleNamespace(libc_ver=lambda: ("", "")))
    _heap._trim.cache_clear()
    try:
        assert worker_environment({"A": "b"}) == {"A": "b"}
        give_back()
    finally:
        _heap._trim.cache_clear()


def test_a_tidied_model_computes_the_same() -> None:
    from transformers import AutoModelForCausalLM, Qwen2Config

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        Qwen2Config(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=64,
            vocab_size=50,
        )
    )
    ids = torch.arange(10)[None]
    before = model(input_ids=ids).logits
    tidy_heap(model)
    assert torch.equal(model(input_ids=ids).logits, before)


@GLIBC
@pytest.mark.heavy
def test_a_tidied_training_holds_less() -> None:
    def growth(how: str) -> int:
        environment = worker_environment() if how == "tidy" else None
        command = [sys.executable, "-W", "ignore", "-c", TRAIN, how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)

    version = tuple(int(part) for part in platform.libc_ver()[1].split("."))
    assert growth("tidy") < growth("plain") * (0.9 if version < (2, 38) else 1.05)
