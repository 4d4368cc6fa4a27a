"""Models with random weights in any shape, as Hugging Face folders with a tokenizer of one token a byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def make_model(folder: Path, **config: Any) -> Path:
    """Write a model that answers in ChatML.

    Args:
        folder: where to.
        **config: as in ``config.json``, ``model_type`` among it.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    _tokenizer().save_pretrained(str(folder))
    torch.manual_seed(1)
    kind = config["model_type"]
    values = {key: value for key, value in config.items() if key != "model_type"}
    settings = AutoConfig.for_model(kind, pad_token_id=0, bos_token_id=None, **values)
    AutoModelForCausalLM.from_config(settings).save_pretrained(str(folder))
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(alphabet)}, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokens.add_special_tokens(list(CONTROL))
    return PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token=CONTROL[0], pad_token=CONTROL[0])


def example(tokens: int, answer: int) -> dict[str, str]:
    """A question and answer of exactly so many tokens, so many of them learnt."""
    return {"prompt": "x" * (tokens - answer), "answer": "y" * (answer - 1) + CONTROL[2]}
