"""A frozen linear layer with its adapter as one step of autograd.

PEFT adds an adapter's outcome to the layer's in four passes over tensors as wide as the layer, and under autocast
casts what goes in, and both matrices, for each layer anew. Here it is one product of matrices into the layer's own
outcome, backward too; what goes in is kept once for all that read it, and all matrices are cast together before a pass.
The numbers are PEFT's but for the rounding of one sum.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from peft.tuners.lora import LoraLayer

_Pair = tuple[torch.Tensor, torch.Tensor]


def fuse_adapters(model: torch.nn.Module, dtype: torch.dtype | None = None) -> int:
    """Compute adapters of a model in one step each where they are plain ones; how many are.

    Args:
        model: with its adapters.
        dtype: what is computed in; as the adapters are kept if none.
    """
    plain: list[Any] = [module for module in model.modules() if isinstance(module, LoraLayer) and _is_plain(module)]
    for module in plain:
        module.forward = MethodType(_forward, module)
        module.cast_pair = None
    if plain and dtype is not None:
        model.register_forward_pre_hook(_Casts(plain, dtype))
    return len(plain)


def _is_plain(module: Any) -> bool:
    """One adapter of two matrices and no more, on a linear layer whose weights do not learn, whole or in four bits."""
    layer, names = module.get_base_layer(), list(module.active_adapters)
    if len(names) != 1 or names[0] not in module.lora_A or names[0] in getattr(module, "lora_variant", {}):
        return False
    dropped = not isinstance(module.lora_dropout[names[0]], torch.nn.Identity)
    biased = module.lora_A[names[0]].bias is not None or module.lora_B[names[0]].bias is not None
    known = type(layer) is torch.nn.Linear or type(layer).__name__ == "Linear4bit"
    return known and not dropped and not biased and not layer.weight.requires_grad


def _matrices(module: Any) -> tuple[_Pair, float]:
    """The adapter's two matrices, rank × input and output × rank, and its scale."""
    (name,) = module.active_adapters
    return (module.lora_A[name].weight, module.lora_B[name].weight), module.scaling[name]


class _Casts:
    """All matrices of all adapters in the number format that is computed in, made before each pass in a few kernels."""

    def __init__(self, modules: list[Any], dtype: torch.dtype) -> None:
        self._modules, self._dtype = modules, dtype
        self._casts: list[torch.Tensor] = []

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def __call__(self, *_: Any) -> None:
        """Before a pass."""
        pairs, scales = zip(*map(_matrices, self._modules), strict=True)
        kept = [matrix for pair in pairs for matrix in pair]
        if not self._casts or self._casts[0].device != kept[0].device:
            self._casts = [torch.empty_like(matrix, dtype=self._dtype) for matrix in kept]
            for module, down, up in zip(self._modules, self._casts[::2], self._casts[1::2], strict=True):
                module.cast_pair = (down, up)
        torch._foreach_copy_(self._casts, kept)
        torch._foreach_mul_(self._casts[1::2], list(scales))


def _forward(self: Any, x: torch.Tensor, *arguments: Any, **options: Any) -> torch.Tensor:
    if self.disable_adapters or self.merged or arguments or options:
        found: torch.Tensor = type(self).forward(self, x, *arguments, **options)
        return found
    (down, up), scale = _matrices(self)
    return _Adapted.apply(x, down, up, self.get_base_layer(), scale, self.cast_pair)


class _Adapted(torch.autograd.Function):  # type: ignore[misc]
    """``x W + s (x A) B`` with W frozen."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        down: torch.Tensor,
        up: torch.Tensor,
        layer: torch.nn.Module,
        scale: float,
        casts: _Pair | None,
    ) -> torch.Tensor:
        """``casts`` are both matrices in the layer's number format, the second times the scale."""
        found: torch.Tensor = layer(x)
        first, second = casts or (down.to(found.dtype), (up * scale).to(found.dtype))
        rows = x.reshape(-1, x.shape[-1]).to(found.dtype)
        low = torch.nn.functional.linear(rows, first)
        found.view(-1, found.shape[-1]).addmm_(low, second.t())
        ctx.save_for_backward(rows, low, first, second)
        ctx.layer, ctx.scale, ctx.shape, ctx.dtypes = layer, scale, x.shape, (x.dtype, down.dtype)
        return found

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients of what went in and of both matrices."""
        rows, low, first, second = ctx.saved_tensors
        slope = outer[0].reshape(-1, outer[0].shape[-1])
        back = torch.mm(slope, second)
        of_down, of_up = _product(back.t(), rows, ctx.dtypes[1]), _product(slope.t(), low, ctx.dtypes[1])
        inward = None
        if ctx.needs_input_grad[0]:
            inward = torch.mm(slope, _weights(ctx.layer, slope.dtype))
            inward = inward.addmm_(back, first).view(ctx.shape).to(ctx.dtypes[0])
        return inward, of_down, of_up.mul_(ctx.scale), None, None, None


def _product(left: torch.Tensor, right: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A product of matrices in a wider number format than theirs: a card writes it so by itself."""
    if left.dtype == dtype or not left.is_cuda:
        return torch.mm(left, right).to(dtype)
    return torch.mm(left, right, out_dtype=dtype)


def _weights(layer: Any, dtype: torch.dtype) -> torch.Tensor:
    """A layer's matrix, output × input, out of four bits if need be."""
    state = getattr(layer.weight, "quant_state", None)
    if state is None:
        return layer.weight.to(dtype)
    from bitsandbytes.functional import dequantize_4bit

    return dequantize_4bit(layer.weight.data, state).to(dtype)
