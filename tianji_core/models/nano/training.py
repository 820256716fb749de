"""Trains the base from random weights: a Llama of transformers, AdamW, warm-up and cosine schedule.
Deterministic on one CPU; an interrupted build continues from a checkpoint."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tianji_core.models.nano.corpus import IGNORED, PackedDocuments
from tianji_core.models.nano.template import BOS, END, EOS, PAD, SPECIAL
from tianji_core.models.nano.tokenizer import CONTEXT
from tianji_core.ownership import replace

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class LlamaShape:
    """Size of the network: 7.6 million parameters with the default character vocabulary."""

    hidden: int = 320
    layers: int = 5
    heads: int = 5
    intermediate: int = 864


@dataclass(frozen=True)
class Schedule:
    """``steps`` optimiser steps of ``batch`` sequences. The learning rate rises over ``warmup`` steps and
    falls to a tenth on a cosine. A checkpoint is written every ``save_every`` steps."""

    steps: int = 2763
    batch: int = 128
    learning_rate: float = 2e-3
    warmup: int = 200
    save_every: int = 250

    def rate(self, step: int) -> float:
        """Returns the learning rate of a step, counted from 0."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, share))))


def llama_config(shape: LlamaShape, vocabulary: int) -> dict[str, Any]:
    """Returns the fields of ``config.json``. The weights are stored in float16 but declared float32, so
    that they load as float32 by default, which a CPU needs."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "max_position_embeddings": CONTEXT,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": SPECIAL.index(BOS),
        "eos_token_id": [SPECIAL.index(END), SPECIAL.index(EOS)],
        "pad_token_id": SPECIAL.index(PAD),
        "torch_dtype": "float32",
    }


def new_model(shape: LlamaShape, vocabulary: int, seed: int) -> Any:
    """Returns a network with random weights drawn from ``seed``."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    fields = llama_config(shape, vocabulary)
    skipped = ("architectures", "model_type", "torch_dtype")
    return LlamaForCausalLM(LlamaConfig(**{k: v for k, v in fields.items() if k not in skipped})).float()


def pick_device(name: str) -> torch.device:
    """Returns a device; ``auto`` is the first GPU, or the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def losses(model: Any, ids: Tensor, labels: Tensor) -> Tensor:
    """Returns the cross entropy of each next token, (sequences, length - 1); 0 where the label is IGNORED."""
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()
    return torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), labels[:, 1:], ignore_index=IGNORED, reduction="none"
    )


def train(
    model: Any,
    packed: PackedDocuments,
    schedule: Schedule,
    seed: int,
    device: torch.device,
    folder: Path,
    resume: bool,
    say: Callable[[str], None],
) -> None:
    """Trains on ``packed`` in an order drawn from ``seed``; ``folder`` holds the checkpoint."""
    model.to(device).train()
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        lr=schedule.learning_rate,
        betas=(0.9, 0.95),
        fused=device.type == "cuda",
    )
    checkpoint = folder / CHECKPOINT
    first = 0
    if resume and checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        first = saved["step"]
        say(f"resumed at step {first}")
    started, seen, total = time.monotonic(), 0, torch.zeros((), device=device)
    ids, labels = packed.ids.to(device), packed.labels.to(device)
    half = torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
    step_losses = torch.compile(losses) if device.type == "cuda" else losses
    for step in range(first, schedule.steps):
        chosen = _sequences_of(step, len(packed.ids), schedule.batch, seed).to(device)
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(step)
        target = labels[chosen].long()
        with half:
            token_losses = step_losses(model, ids[chosen].long(), target)
        loss = token_losses.sum() / (target[:, 1:] != IGNORED).sum().clamp(min=1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        total += loss.detach()
        seen += 1
        if (step + 1) % 100 == 0 or step + 1 == schedule.steps:
            speed = seen * schedule.batch * ids.shape[1] / (time.monotonic() - started)
            say(f"step {step + 1}/{schedule.steps} loss {total.item() / seen:.4f} {speed:,.0f} tokens/s")
            started, seen = time.monotonic(), 0
            total.zero_()
        if (step + 1) % schedule.save_every == 0 and step + 1 < schedule.steps:
            folder.mkdir(parents=True, exist_ok=True)
            partial = checkpoint.with_suffix(".part")
            torch.save(
                {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}, partial
            )
            replace(partial, checkpoint)


def _sequences_of(step: int, count: int, batch: int, seed: int) -> Tensor:
    """Returns the indices of one step. Each epoch has its own order, computed from the step, so that
    resuming needs no state."""
    positions = torch.arange(step * batch, (step + 1) * batch)
    indices = []
    for epoch in positions.div(count, rounding_mode="floor").unique().tolist():
        order = _order_of(epoch, count, seed)
        indices.append(order[positions[positions.div(count, rounding_mode="floor") == epoch] % count])
    return torch.cat(indices)


@lru_cache(maxsize=2)
def _order_of(epoch: int, count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 100_003 + epoch))


@dataclass(frozen=True)
class Score:
    """Held-out scores: mean cross entropy per answer token (nats), and the share of answers (0-1) whose
    every token is the most likely one."""

    loss: float
    exact: float

    @property
    def perplexity(self) -> float:
        """The exponential of the loss."""
        return math.exp(self.loss)


@torch.no_grad()
def score(model: Any, packed: PackedDocuments, device: torch.device, batch: int = 32) -> Score:
    """Scores held-out sequences. An answer is a run of labels that are not IGNORED."""
    model.to(device).eval()
    nats, tokens, right, answers = 0.0, 0, 0, 0
    for at in range(0, len(packed.ids), batch):
        ids, labels = (
            packed.ids[at : at + batch].long().to(device),
            packed.labels[at : at + batch].long().to(device),
        )
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()
        target = labels[:, 1:]
        learnt = target != IGNORED
        token_losses = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), target, ignore_index=IGNORED, reduction="none"
        )
        nats += token_losses.sum().item()
        tokens += int(learnt.sum())
        missed = (logits.argmax(-1) != target) & learnt
        starts = learnt & ~torch.nn.functional.pad(learnt, (1, 0))[:, :-1]
        number = starts.cumsum(1) * learnt
        for line in range(len(ids)):
            count = int(starts[line].sum())
            answers += count
            right += count - len(number[line][missed[line]].unique())
    model.train()
    return Score(nats / max(1, tokens), right / max(1, answers))
