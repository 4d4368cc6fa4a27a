"""A training from its spec to its result, inside the process that does it: load, check, probe, train, keep."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerState

from allotment.errors import ProjectError, TrainingError
from allotment.models import load_template
from allotment.project import TrainingConfig
from allotment.training._base import load_base
from allotment.training._device import Device, find_device, is_out_of_memory, peak_gib, precision_on
from allotment.training._examples import IGNORED
from allotment.training._methods import ADAPTERS, prepare, save_result, trained_tensors
from allotment.training._packing import collate
from allotment.training._ranks import is_first, most
from allotment.training.estimation._cards import peak_tflops
from allotment.training.estimation._flops import train_flops_per_token
from allotment.training.estimation._shapes import shape_of
from allotment.training.worker import _checkpoint
from allotment.training.worker._answers import answer_questions
from allotment.training.worker._arguments import package_versions, trainer_arguments
from allotment.training.worker._best import Best
from allotment.training.worker._heap import tidy_heap
from allotment.training.worker._kernels import use_fast_kernels
from allotment.training.worker._probe import probe
from allotment.training.worker._rows import Row, Rows, check_tokenizer, read_examples, rows_of
from allotment.training.worker._trackers import Tracker, open_trackers
from allotment.training.worker._trainer import AnswerTrainer
from allotment.training.worker._watch import Finite, Meter, Watch, epoch_loss, read_rows
from allotment.workspace import write_atomic

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class Training:
    """One run; ``run`` does it all. Everything it keeps lies in ``out``, so that another process can go on."""

    def __init__(
        self, spec: Mapping[str, Any], out: Path, say: Callable[..., None], *, began: float | None = None
    ) -> None:
        """``began``: the monotonic time from which seconds and money count; now if none."""
        self._began = time.monotonic() if began is None else began
        self._settings: dict[str, Any] = spec["training"]
        self._spec, self._out, self._say = spec, out, say
        self._device: Device = find_device(self._settings["cards"])
        self._precision = precision_on(self._device, self._settings["precision"])

    def run(self) -> dict[str, Any]:
        """Train, write the result, and tell what was measured."""
        torch.manual_seed(self._settings["seed"])
        model, tokenizer = self._load()
        template = load_template(self._spec["template"])
        check_tokenizer(tokenizer, model, template.stop, template.control)
        rows, held_out = self._rows(tokenizer)
        model = prepare(model, self._settings)
        if self._device.kind == "cpu":
            tidy_heap(model)
        else:
            use_fast_kernels(model, self._settings, self._device, self._precision)
        trainer = self._trainer(model, tokenizer, rows)
        gc.collect()
        gc.freeze()  # what is loaded stays; to look through all of it again costs a step half its time now and then
        checkpoint = _checkpoint.newest_whole(self._out / "checkpoints")
        epochs_before = _checkpoint.epochs_of(checkpoint)  # the checkpoint is gone once newer ones are there
        self._check_packing(trainer, rows)
        evaluate = self._evaluation(trainer, held_out)
        probed = self._probe(trainer, rows, evaluate)
        self._require_affordable(probed)
        best = Best(trainer, self._out, kept=bool(self._settings["patience"]))
        paused = self._train(trainer, checkpoint, evaluate, best)
        trainer.accelerator.wait_for_everyone()  # the first may still be writing the best
        held_out_loss = best.restore()
        save_result(trainer.accelerator.unwrap_model(trainer.model), self._settings, self._out)
        measured = self._measured(trainer, rows, epochs_before, probed, held_out_loss)
        return {**measured, "paused": paused, "asking_s": self._ask(trainer, tokenizer, template.stop)}

    def _train(self, trainer: AnswerTrainer, checkpoint: Path | None, evaluate: Any, best: Best) -> bool:
        """Train to the end, or to where the spec wants a pause; gives whether epochs are left."""
        until = self._spec.get("until_epochs")
        if checkpoint is not None and self._was_the_last(checkpoint, until):
            trainer._load_from_checkpoint(str(checkpoint))
            trainer.state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
            return not self._has_learnt_enough(checkpoint) and trainer.state.epoch < self._settings["epochs"]
        with self._tracked() as trackers:
            watch = self._watch(trainer, checkpoint, evaluate, trackers, best)
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        return watch.paused

    def _was_the_last(self, checkpoint: Path, until: int | None) -> bool:
        """Whether the process that wrote it had trained all it was asked for, and was killed before it said so."""
        asked = min(until or self._settings["epochs"], self._settings["epochs"])
        return _checkpoint.epochs_of(checkpoint) >= asked or self._has_learnt_enough(checkpoint)

    def _has_learnt_enough(self, checkpoint: Path) -> bool:
        step = _checkpoint.step_of(checkpoint)
        return any(
            row.get("step") == step and row.get("event") in ("target-loss", "early-stop")
            for row in read_rows(self._out / "metrics.jsonl")
        )

    def _ask(self, trainer: AnswerTrainer, tokenizer: Any, stop: str) -> float | None:
        """Let the model answer the spec's questions; gives the seconds, or none where nothing could be asked."""
        file, began = self._spec.get("questions_file"), time.monotonic()
        if not file or self._settings["sharding"] != "none" or not is_first():
            return None
        try:
            tokens = int(self._spec.get("answer_tokens") or 48)
            answer_questions(trainer, tokenizer, Path(file), self._out, stop=stop, max_tokens=tokens)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._say("warning", text="memory ran out while questions were asked; what was learnt is kept")
            return None
        return round(time.monotonic() - began, 2)

    def _load(self) -> tuple[Any, Any]:
        base, method = self._spec["base"], self._settings["method"]
        # What learns is kept in fp32; autocast computes in the precision.
        dtype = _DTYPES[self._precision] if method in ADAPTERS else torch.float32
        model, tokenizer = load_base(Path(base["file"]), base["sha256"], dtype=dtype, four_bit=method == "qlora")
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        model.config.use_cache = False
        return model, tokenizer

    def _rows(self, tokenizer: Any) -> tuple[Rows, Rows | None]:
        longest = self._settings["max_length"]
        rows = rows_of(read_examples(Path(self._spec["examples_file"])), tokenizer, max_length=longest)
        if rows.dropped:
            self._say("warning", text=f"{rows.dropped} examples are longer than {longest} tokens and were dropped")
        file = self._spec.get("validation_file")
        held_out = rows_of(read_examples(Path(file)), tokenizer, max_length=longest) if file else None
        return rows, held_out

    def _trainer(self, model: Any, tokenizer: Any, rows: Rows) -> AnswerTrainer:
        settings = self._settings
        config = trainer_arguments(
            settings,
            self._device,
            self._precision,
            self._out / "checkpoints",
            steps=math.ceil(len(rows.rows) / settings["batch_size"]) * settings["epochs"],
            checkpointing=self._computes_activations_twice(),
        )
        self.meter = Meter(self._out, began=self._began, writes=config.should_save)
        self.finite = Finite(self._precision)
        trainer = AnswerTrainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list(rows.rows),
            processing_class=tokenizer,
            data_collator=collate,
            budget=settings["micro_batch_tokens"],
            packed=settings["packing"],
            may_checkpoint=settings["gradient_checkpointing"] == "auto" and not config.gradient_checkpointing,
            meter=self.meter,
            tell=self._tell,
            finite=self.finite,
        )
        trainer.remove_callback(PrinterCallback)  # stdout carries progress events alone
        return trainer

    def _computes_activations_twice(self) -> bool:
        """Only where they would not fit otherwise: the estimate decides, and memory that runs out all the same."""
        wanted = self._settings["gradient_checkpointing"]
        return bool((self._spec.get("estimate") or {}).get("gradient_checkpointing")) if wanted == "auto" else wanted

    def _tell(self, step: int, event: str, detail: str) -> None:
        self.meter.write(step=step, event=event, detail=detail)
        self._say("warning", text=f"step {step}: {detail}")

    def _check_packing(self, trainer: AnswerTrainer, rows: Rows) -> None:
        shortest = sorted(rows.rows, key=lambda row: len(row["input_ids"]))[:2]
        if not self._settings["packing"]:
            return
        if not trainer.keeps_apart(_tensors(shortest, trainer.accelerator.device)):
            told = "examples of this model see each other when they are packed; they are filled up instead"
            self._say("warning", text=told)

    def _evaluation(self, trainer: AnswerTrainer, held_out: Rows | None) -> Callable[[], float] | None:
        if held_out is None:
            return None
        rows = _tensors(held_out.rows, trainer.accelerator.device)
        return lambda: trainer.held_out_loss(rows)

    def _probe(self, trainer: AnswerTrainer, rows: Rows, evaluate: Callable[[], float] | None) -> dict[str, Any] | None:
        """Measured once for a run; several cards are not probed, since the model is not divided before it trains."""
        file = self._out / "probe.json"
        if file.exists():
            kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            self._say("probe", **kept)
            return kept
        if not self._settings["probe_steps"] or trainer.accelerator.num_processes > 1:
            return None
        tokens = rows.tokens * self._settings["epochs"]
        loading_s = time.monotonic() - self._began
        found = probe(
            trainer,
            rows.rows,
            self._settings,
            self._device,
            tokens=tokens,
            evaluate=evaluate,
            out=self._out,
            loading_s=loading_s,
        )
        write_atomic(file, json.dumps(found))
        told = (
            f"peak {found['peak_gib']} GiB, {found['tokens_per_second']} tokens/s, {found['minutes']} minutes at most"
        )
        self.meter.write(step=0, event="probe", detail=told)
        self._say("probe", **found)
        return found

    def _require_affordable(self, probed: dict[str, Any] | None) -> None:
        """Stop before money is spent that may not be; a price or a probe that is missing is no permission."""
        limit, cost = self._spec.get("max_cost_usd"), (probed or {}).get("usd")
        if limit is None or (cost is not None and cost <= limit):
            return
        told = f"it may cost {cost:.2f} USD" if cost is not None else "what it may cost is not known"
        raise TrainingError(
            f"the training was not begun: {told}, and at most {limit:.2f} USD may be spent.",
            kind="configuration",
            element="training",
            remedy="Raise --max-cost or train fewer epochs; it needs probe_steps, price_usd_per_hour and one card.",
        )

    @contextmanager
    def _tracked(self) -> Iterator[list[Tracker]]:
        """The trackers of ``report_to``, told at the end whether it was a good one."""
        folder = Path(self._spec.get("trackers") or self._out / "trackers")
        trackers = open_trackers(
            self._settings["report_to"],
            self._out.name,
            self._settings,
            folder,
            lambda told: self._say("warning", text=told),
        )
        failed = True
        try:
            yield trackers
            failed = False
        finally:
            for tracker in trackers:
                tracker.close(failed=failed)

    def _watch(
        self,
        trainer: AnswerTrainer,
        checkpoint: Path | None,
        evaluate: Callable[[], float] | None,
        trackers: list[Tracker],
        best: Best,
    ) -> Watch:
        if checkpoint is not None:
            step = _checkpoint.step_of(checkpoint)
            self.meter.resume(step)
            self.meter.write(step=step, event="resumed", detail=f"from the checkpoint of step {step}")
        peak, flops = self._speed_of_light(trainer)
        watch = Watch(
            self._settings,
            self.meter,
            self._device,
            self._say,
            flops_per_token=flops,
            peak_tflops=peak,
            evaluate=evaluate,
            keep_best=best.keep,
            best=best.before(checkpoint),
            trackers=trackers,
            until=self._spec.get("until_epochs"),
        )
        trainer.add_callback(watch)
        return watch

    def _speed_of_light(self, trainer: AnswerTrainer) -> tuple[float | None, float | None]:
        """The peak of all cards in TFLOP/s and the work of one token; unknown is none, never a guess."""
        peak, shape = peak_tflops(self._device.name), None
        with suppress(ProjectError):
            shape = shape_of(self._spec["base"]["file"])
        if peak is None or shape is None:
            return None, None
        lengths = [len(row["input_ids"]) for row in trainer.train_dataset]
        answers = sum(label != IGNORED for row in trainer.train_dataset for label in row["labels"])
        flops = train_flops_per_token(
            shape,
            self._settings["method"],
            False,  # work done twice counts once
            sum(lengths) / len(lengths),
            training=TrainingConfig.model_validate(self._settings),
            answer_share=answers / sum(lengths),
        )
        return peak * self._settings["cards"], flops

    def _measured(
        self,
        trainer: AnswerTrainer,
        rows: Rows,
        epochs_before: float,
        probed: dict[str, Any] | None,
        held_out_loss: float | None,
    ) -> dict[str, Any]:
        """Figures of the training. The rate is of this process, which did not do ``epochs_before``."""
        meter, price, rate = self.meter, self._settings["price_usd_per_hour"], self.meter.rate
        learning = sum(one.numel() for one in trained_tensors(trainer.model).values())
        peak, flops = self._speed_of_light(trainer)
        return {
            "seconds": round(meter.seconds, 2),
            "tokens": meter.tokens,
            "answer_tokens": meter.answer_tokens,
            "examples": len(rows.rows),
            "dropped": rows.dropped,
            "epochs": round(float(trainer.state.epoch or 0), 2),
            "epochs_before_resume": round(epochs_before, 2),
            "steps": trainer.state.global_step,
            "tokens_per_second": round(rate, 1) if rate else None,
            "mfu": round(rate * flops / (peak * 1e12), 4) if rate and flops and peak else None,
            "final_loss": round(epoch_loss(trainer.state), 4),
            "held_out_loss": None if held_out_loss is None else round(held_out_loss, 4),
            "peak_gib": most(peak_gib(self._device)),
            "micro_batch_tokens": trainer.budget,
            "precision": self._precision,
            "trainable_parameters": learning,
            "parameters": sum(one.numel() for one in trainer.model.parameters()),
            "usd": None if price is None else round(meter.seconds / 3600 * price, 4),
            "hardware": self._device.described(peak),
            "versions": package_versions(),
            "masked_example": rows.masked_example,
            "probe": probed,
        }


def _tensors(rows: list[Row], where: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.tensor(row["input_ids"], device=where), torch.tensor(row["labels"], device=where)) for row in rows]
