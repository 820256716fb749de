"""Measures whether a training that multiplies in 8-bit floating point learns what one in bfloat16 learns.

``python benchmarks/float8_learning.py [--small] [--steps N] [--seeds N…] [--folder DIR]`` trains a model of
the nano base's kind, but wider, on composed blessings of two styles, and then a LoRA adapter on it with three
styles: from the same base, packs and order, once in bfloat16 and once with the frozen products in 8 bits,
both by the profiles' own training class. It compares the loss over the steps, the norms of the gradients, and
the share of held-out cells that pass the checks. ``--small`` uses a tiny model on the CPU, to try the script
itself. The last line is one JSON object.
"""

import argparse
import atexit
import json
import math
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.learning_effect import composed_file
from tianji_core.evaluation import Case, Checker, held_out_cases, judge, training_pairs
from tianji_core.model_folders.messages import ChatMessage
from tianji_core.model_folders.prompt import encode
from tianji_core.models.nano import nano_base
from tianji_core.recipe import Recipe, built_in_recipe

STYLES = ("正常", "小红书", "严肃")
TEMPLATE, LENGTH, RATE = "internlm2_chat", 128, 2e-4
LOSS_WITHIN = 0.005


@dataclass(frozen=True)
class Scale:
    """Sizes: of the model, of the pre-training in steps, of a step in rows, and what is composed."""

    hidden: int
    inner: int
    layers: int
    heads: int
    before: int
    rows: int
    samples: int
    cases: int | None


WIDE = Scale(1024, 2816, 8, 16, 1500, 64, 6000, None)
TINY = Scale(64, 128, 2, 4, 4, 4, 60, 8)


@dataclass(frozen=True)
class Learnt:
    """One training: losses and norms of the gradients by step, and the share of held-out cells that pass with
    its 95 % interval."""

    losses: list[float]
    norms: list[float]
    passed: float
    low: float
    high: float
    seconds: float


class Rows:
    """Composed conversations as rows of :data:`LENGTH` tokens, of which only the answers are learnt."""

    def __init__(self, tokenizer: Any, file: Path, device: str) -> None:
        import torch

        self._ids, self._labels = [], []
        stop = tokenizer.convert_tokens_to_ids("<|im_end|>")
        for item in json.loads(file.read_text(encoding="utf-8")):
            turn = item["conversation"][0]
            asked = [("system", turn["system"]), ("user", turn["input"])]
            prompt = encode(
                tokenizer, TEMPLATE, [ChatMessage(role=role, content=text) for role, text in asked]
            )
            answer = [*tokenizer.encode(turn["output"], add_special_tokens=False), stop]
            ids = (prompt + answer)[:LENGTH]
            labels = ([-100] * len(prompt) + answer)[:LENGTH]
            rest = LENGTH - len(ids)
            self._ids.append(ids + [tokenizer.pad_token_id] * rest)
            self._labels.append(labels + [-100] * rest)
        self.ids = torch.tensor(self._ids, device=device)
        self.labels = torch.tensor(self._labels, device=device)

    def batch(self, chance: Any, count: int) -> dict[str, Any]:
        """Rows drawn at random, as one micro-batch."""
        import torch

        chosen = torch.randint(0, len(self.ids), (count,), generator=chance).to(self.ids.device)
        ids = self.ids[chosen]
        places = torch.arange(LENGTH, device=ids.device).expand(count, -1)
        mask = torch.ones_like(ids)  # what pads a row comes after it and is not learnt
        return {
            "input_ids": ids,
            "labels": self.labels[chosen],
            "position_ids": places,
            "attention_mask": mask,
        }


def write_base(folder: Path, scale: Scale, rows: Rows, tokenizer: Any, device: str) -> float:
    """Trains all weights of a wider nano model on the rows and writes it; returns the last loss."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig.from_pretrained(nano_base())
    config.update({"hidden_size": scale.hidden, "intermediate_size": scale.inner, "head_dim": None})
    config.update({"num_hidden_layers": scale.layers, "num_attention_heads": scale.heads})
    config.update({"num_key_value_heads": scale.heads, "head_dim": scale.hidden // scale.heads})
    model: Any = LlamaForCausalLM(config)
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    chance, loss = torch.Generator().manual_seed(1), 0.0
    for step in range(scale.before):
        factor = min(1.0, (step + 1) / 50) * (1 + math.cos(math.pi * step / scale.before)) / 2
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * factor
        with torch.autocast(device, torch.bfloat16):
            value = model(**rows.batch(chance, scale.rows)).loss
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    loss = float(value.detach())
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return loss


def adapter_on(base: Path, float8: bool, seed: int, device: str) -> Any:
    """The profiles' training class over the base."""
    import torch
    from mmengine import ConfigDict
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune

    torch.manual_seed(seed)
    llm = {"type": AutoModelForCausalLM.from_pretrained, "pretrained_model_name_or_path": str(base)}
    lora = {"type": LoraConfig, "r": 64, "lora_alpha": 16, "lora_dropout": 0.1, "bias": "none"}
    return FastFinetune(
        llm=ConfigDict({**llm, "torch_dtype": torch.bfloat16}),
        lora=ConfigDict({**lora, "task_type": "CAUSAL_LM"}),
        checkpointed=0.0,
        float8=float8,
    ).to(device)


def learnt(
    base: Path, rows: Rows, scale: Scale, steps: int, seed: int, float8: bool, judged: Any, device: str
) -> Learnt:
    """Trains an adapter and lets it answer the held-out cells."""
    import torch

    model = adapter_on(base, float8, seed, device).train()
    weights = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=RATE)
    chance, losses, norms, began = torch.Generator().manual_seed(seed), [], [], time.monotonic()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 + math.cos(math.pi * step / steps)) / 2
        with torch.autocast(device, torch.bfloat16):
            loss = model.compute_loss(rows.batch(chance, scale.rows))["loss"]
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(weights, 1.0)))
        losses.append(float(loss.detach()))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    seconds = time.monotonic() - began
    report = judged(model.eval())
    return Learnt(losses, norms, report.passed, report.low, report.high, round(seconds, 1))


def judging(recipe: Recipe, file: Path, cases: list[Case], tokenizer: Any, device: str) -> Any:
    """A function that lets a model answer the cases, greedily, and returns its pass rates."""
    import torch

    checker = Checker(recipe, training_pairs(recipe, file))
    prompts = [
        encode(
            tokenizer,
            TEMPLATE,
            [ChatMessage(role="system", content=case.system), ChatMessage(role="user", content=case.request)],
        )
        for case in cases
    ]

    @torch.inference_mode()
    def judged(model: Any) -> Any:
        answers = []
        for start in range(0, len(prompts), 128):
            some = prompts[start : start + 128]
            width = max(len(prompt) for prompt in some)
            padded = [[tokenizer.pad_token_id] * (width - len(prompt)) + prompt for prompt in some]
            ids = torch.tensor(padded, device=device)
            mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in some], device=device)
            with torch.autocast(device, torch.bfloat16):
                made = model.llm.generate(
                    input_ids=ids,
                    attention_mask=mask,
                    max_new_tokens=100,
                    do_sample=False,
                    use_cache=True,
                    eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
                    pad_token_id=tokenizer.pad_token_id,
                )
            answers += [tokenizer.decode(row[width:], skip_special_tokens=True) for row in made]
        return judge(cases, answers, checker).overall

    return judged


def main() -> int:
    """Measures, prints a line for each training and the JSON line."""
    import torch
    from transformers import AutoTokenizer

    options = arguments()
    device = "cuda" if torch.cuda.is_available() and not options.small else "cpu"
    scale = WIDE if device == "cuda" else TINY
    steps = options.steps or (200 if device == "cuda" else 3)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="float8-"))
    if options.folder is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    recipe, tokenizer = built_in_recipe("wishes"), AutoTokenizer.from_pretrained(nano_base())
    composed_file(recipe, STYLES[:2], scale.samples, 1, folder / "before.json")
    composed_file(recipe, STYLES, scale.samples, 2, folder / "train.json")
    before = Rows(tokenizer, folder / "before.json", device)
    after = Rows(tokenizer, folder / "train.json", device)
    last = write_base(folder / "base", scale, before, tokenizer, device)
    cases = held_out_cases(recipe, STYLES, limit=scale.cases)
    judged = judging(recipe, folder / "train.json", cases, tokenizer, device)
    untrained = judged(adapter_on(folder / "base", False, 0, device).eval())
    print(json.dumps({"base": {"loss": round(last, 4), "passed": round(untrained.passed, 4)}}), flush=True)
    found: list[tuple[Learnt, Learnt]] = []
    for seed in options.seeds:
        pair = [
            learnt(folder / "base", after, scale, steps, seed, float8, judged, device)
            for float8 in (False, True)
        ]
        found.append((pair[0], pair[1]))
        print(json.dumps({f"seed {seed}": [asdict(each) for each in pair]}), flush=True)
    result = verdict(found, untrained.passed, len(cases), steps, device)
    print(json.dumps(result))
    return 0 if result["pass"] in (True, None) else 1


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--steps", type=int, help="steps of the LoRA training; 200, small: 3")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, help="a new folder for the model")
    return parser.parse_args()


def verdict(
    found: list[tuple[Learnt, Learnt]], untrained: float, count: int, steps: int, device: str
) -> dict[str, Any]:
    """The JSON line: how far the losses are apart, and whether the pass rates agree."""
    import torch

    apart = [statistics.fmean(eight.losses) / statistics.fmean(half.losses) - 1 for half, eight in found]
    tail = max(1, steps // 4)
    ends = [
        statistics.fmean(eight.losses[-tail:]) / statistics.fmean(half.losses[-tail:]) - 1
        for half, eight in found
    ]
    norms = [statistics.fmean(eight.norms) / statistics.fmean(half.norms) - 1 for half, eight in found]
    within = all(half.low <= eight.passed <= half.high for half, eight in found)
    lines = [
        {
            "loss": [round(statistics.fmean(each.losses[-tail:]), 4) for each in pair],
            "passed": [round(each.passed, 4) for each in pair],
            "interval": [round(pair[0].low, 4), round(pair[0].high, 4)],
            "gradient_norm": [round(statistics.fmean(each.norms), 4) for each in pair],
        }
        for pair in found
    ]
    passed = within and all(abs(each) <= LOSS_WITHIN for each in (*apart, *ends))
    return {
        "benchmark": "float8_learning",
        "figures": {
            "card": torch.cuda.get_device_name() if device == "cuda" else "CPU",
            "steps": steps,
            "untrained_passed": round(untrained, 4),
            "cells": count,
            "bf16_and_fp8": lines,
            "loss_apart": [round(each, 5) for each in apart],
            "loss_apart_last_quarter": [round(each, 5) for each in ends],
            "norm_apart": [round(each, 4) for each in norms],
        },
        "baseline": "the same training in bfloat16",
        "ratio": None,
        "bar": {"loss_within": LOSS_WITHIN, "passed": "within the interval of bfloat16"},
        "pass": passed if device == "cuda" else None,
    }


if __name__ == "__main__":
    sys.exit(main())
