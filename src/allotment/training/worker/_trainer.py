"""TRL's trainer with steps of its own: examples packed into as few forward passes as memory allows, the loss of answer
tokens alone, the effective batch always the same, and checkpoints that are whole or not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer

from allotment.errors import TrainingError
from allotment.training._device import is_out_of_memory
from allotment.training._examples import IGNORED
from allotment.training._methods import trained_tensors
from allotment.training._packing import apart, bounds_of, end_to_end, filled_up, passes_of
from allotment.training._ranks import most, several, share_of, summed, whole
from allotment.training.worker import _checkpoint
from allotment.training.worker._heap import give_back
from allotment.training.worker._lean import LeanTrainer
from allotment.training.worker._loss import give_answer_loss
from allotment.training.worker._watch import Finite, Meter

Rows = Sequence[tuple[torch.Tensor, torch.Tensor]]


class AnswerTrainer(LeanTrainer):
    """``SFTTrainer`` that cuts a batch into forward passes by tokens.

    One batch is one step of the optimizer, however many passes it takes: its loss is the sum over all its answer tokens
    divided by their number, so neither the number of passes nor what shares one changes the gradient.
    """

    def __init__(
        self,
        *args: Any,
        budget: int | None,
        packed: bool,
        may_checkpoint: bool,
        meter: Meter,
        tell: Callable[[int, str, str], None],
        finite: Finite,
        **kwargs: Any,
    ) -> None:
        """As ``SFTTrainer``; ``may_checkpoint``: whether activations may be computed twice when nothing else helps."""
        super().__init__(*args, **kwargs)
        self.budget = budget
        self._packed = packed
        self._step_loss = torch.zeros(())
        self._may_checkpoint = may_checkpoint
        self._meter = meter
        self._tell = tell
        self.finite = finite
        causal = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        give_answer_loss(causal)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Gradients of one batch; its passes get smaller when memory runs out, its examples never fewer."""
        rows = apart(self._prepare_inputs(inputs))
        answers = _answer_tokens(rows)  # counted before a card has work that this would wait for
        loss, passes = self.batch_backward(model, rows)
        self._meter.add(sum(len(ids) for ids, _ in rows), answers, passes)
        self._step_loss = loss
        return loss

    def get_train_dataloader(self) -> Any:
        """Every process gets the whole batch and takes its share in the step.

        So the last batch of an epoch may be smaller than the others, and no example comes twice to fill it up.
        """
        loader = super().get_train_dataloader()
        if several() > 1:
            loader.batch_sampler.num_processes, loader.batch_sampler.process_index = 1, 0
        return loader

    def batch_backward(self, model: Any, rows: Rows) -> tuple[torch.Tensor, int]:
        """Loss of a batch and how many passes it took; its gradients are added to what the parameters hold (nothing).

        Args:
            model: the model, wrapped or not.
            rows: token ids and labels of each example of the batch, whatever card it will be on.
        """
        if not model.training:
            model.train()
        while True:
            try:
                return self._backward(model, rows)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.accelerator.num_processes > 1:
                    raise
                told = f"{type(error).__name__}"
            model.zero_grad(set_to_none=True)  # what the failed passes left must not be counted twice
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._make_room(rows, told)

    def _backward(self, model: Any, rows: Rows) -> tuple[torch.Tensor, int]:
        total, answers, cards = torch.zeros((), device=self.accelerator.device), _answer_tokens(rows), several()
        passes = self._passes(rows, self.budget)
        for number, members in enumerate(passes, 1):
            with nullcontext() if number == len(passes) or cards == 1 else self.accelerator.no_sync(model):
                # Gradients are averaged over cards, and ``answers`` counts the tokens of all of them.
                loss = self._nll(model, members) / answers * cards
                self.accelerator.backward(loss)
                if self.accelerator.device.type == "cpu":
                    give_back()
            total += loss.detach()
        return total, len(passes)

    def _passes(self, rows: Rows, budget: int | None) -> list[Rows]:
        """This card's share of a batch, in as many passes as every other card has: what it lacks is passes that teach
        nothing, for cards wait for each other in each."""
        mine = share_of(rows, [len(ids) for ids, _ in rows])
        passes = passes_of([len(ids) for ids, _ in mine], budget, packed=self._packed)
        found: list[Rows] = [[mine[place] for place in members] for members in passes]
        return [*found, *([[_silent(rows[0])]] * (int(most(len(found))) - len(found)))]

    def _nll(self, model: Any, rows: Rows) -> torch.Tensor:
        if self._packed:
            batch = end_to_end(rows) | bounds_of([len(ids) for ids, _ in rows], rows[0][0].device)
        else:
            batch = filled_up(rows, self.processing_class.pad_token_id)
        with self.compute_loss_context_manager():
            loss: torch.Tensor = model(**batch)["loss"]
        return loss

    def _make_room(self, rows: Rows, told: str) -> None:
        """Half as many tokens in a pass; with one example in it, activations computed twice; then nothing is left."""
        longest = max(len(ids) for ids, _ in rows)
        before = self.budget or sum(len(ids) for ids, _ in rows)
        if before > longest:
            self.budget = max(longest, before // 2)
            detail = f"{told}: a pass now holds {self.budget} tokens instead of {before}; the batch stays as it is"
        elif self._may_checkpoint:
            self._may_checkpoint = False
            self.compute_activations_twice()
            detail = f"{told}: activations are now computed twice (gradient checkpointing)"
        else:
            raise TrainingError(
                f"memory ran out with one example of {longest} tokens in a pass.",
                kind="out-of-memory",
                remedy="Take method: qlora, a smaller base model, a smaller training.max_length or a larger card.",
            )
        self._tell(self.state.global_step + 1, "out-of-memory", detail)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def held_out_loss(self, rows: Rows) -> float:
        """Mean loss of answer tokens, in nats, of examples that are not trained on."""
        self.model.eval()
        budget = self.budget or max(4 * max(len(ids) for ids, _ in rows), 512)
        total = torch.zeros((), device=self.accelerator.device)
        for members in self._passes(rows, budget):
            total += self._nll(self.model, members)
        self.model.train()
        return summed(float(total)) / max(1, _answer_tokens(rows))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def keeps_apart(self, rows: Rows) -> bool:
        """Whether examples have the same loss together as alone; where not, they are not packed from now on.

        Attention decides that, and which attention runs depends on the model, the card and the packages.
        """
        self.model.eval()
        together = self._nll(self.model, rows)
        alone = sum(self._nll(self.model, [row]) for row in rows)
        self.model.train()
        slack = 1e-3 if together.dtype == torch.float32 and self.model.dtype == torch.float32 else 3e-2
        self._packed = bool(torch.isclose(together, alone, rtol=slack, atol=slack))
        return self._packed

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        self.finite.see(float(norm), float(self._step_loss), self.state.global_step + 1)
        return norm

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir)
        with self._elsewhere(folder) as place:
            Trainer._save_checkpoint(self, model, trial)  # TRL would write a model card into each
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                _checkpoint.put_in_place(place / f"checkpoint-{self.state.global_step}", folder)
            self.accelerator.wait_for_everyone()

    @contextmanager
    def _elsewhere(self, folder: Path) -> Iterator[Path]:
        """Let the trainer write into a folder that counts for nothing."""
        with _checkpoint.staged(folder) if self.args.should_save else nullcontext(folder / ".partial") as place:
            self.accelerator.wait_for_everyone()
            self.args.output_dir = str(place)
            try:
                yield place
            finally:
                self.args.output_dir = str(folder)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Of a divided model what learns is put together, and not the rest with it."""
        if not self.is_fsdp_enabled:
            super().save_model(output_dir, _internal_call)
            return
        self._save(output_dir, whole(trained_tensors(self.model)))

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """The weights alone; the tokenizer is the base model's and is not written again each time."""
        if self.args.should_save:
            model = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
            model.save_pretrained(output_dir, state_dict=state_dict)


def _answer_tokens(rows: Rows) -> int:
    return int(torch.stack([(labels != IGNORED).sum() for _, labels in rows]).sum())


def _silent(row: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """An example that teaches nothing, for a card that has no pass left while another has."""
    return row[0], torch.full_like(row[1], IGNORED)
