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


def make_config(folder: Path, shape: Any) -> Path:
    """Write the configuration and tokenizer of a ``ModelShape``, and no weights."""
    from transformers import AutoConfig

    _tokenizer().save_pretrained(str(folder))
    settings = AutoConfig.for_model(
        shape.architecture,
        num_hidden_layers=shape.layers,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=shape.tied,
        pad_token_id=0,
        bos_token_id=None,
    )
    settings.save_pretrained(str(folder))
    return folder


def build(folder: Path, *, dtype: Any, quantised: Any = None) -> tuple[Any, Any]:
    """Model and tokenizer of such a folder, with random weights made where they will be used: on the card if any.

    Args:
        folder: made by ``make_config``.
        dtype: of the weights.
        quantised: how linear layers are quantised, if they are.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(1)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(str(folder)), dtype=dtype)
    if quantised is not None:
        options = {"config": model.config, "dtype": dtype, "quantization_config": quantised}
        model = type(model).from_pretrained(None, state_dict=model.state_dict(), **options)
        for layer in model.modules():
            if type(layer).__name__ == "Linear4bit":  # as ``load_base`` does
                layer.support_avx512bf16_for_cpu = False
    return model, AutoTokenizer.from_pretrained(str(folder))
