"""Measures each optimisation of the profiles on and off: seconds per step, memory, and loss.

``python benchmarks/training_switches.py [--small] [--only NAME…] [--rounds N] [--layers N] [--folder DIR]``
writes a model of random weights with the layers of a 7.7 B one, but few of them, and takes steps of the
profiles' own training class on it, in one process: with a switch of
:mod:`tianji_core.training.arithmetic.switches` on and with it off, in turns. A switch that another one makes
needless is measured with that one off. ``--small`` uses a tiny model on the CPU, where only some of them do
anything; without a card it is the only way. Fails where an optimisation costs time instead of bringing it.
The last line is one JSON object.
"""

import argparse
import atexit
import gc
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_throughput import INTERNLM2_7B, TINY, write_model_apart
from tianji_core.training.arithmetic.switches import NAMES

VARIABLE = "TIANJI_FAST_OFF"
AT_LEAST = 0.98
"""Seconds off over seconds on: what is less costs time beyond the noise of the measurement."""
RANK, ANSWERS = 64, 0.3
"""The rank of the adapters, and the share of tokens that belong to answers."""


@dataclass(frozen=True)
class Setting:
    """Where a switch matters: ``beside`` are switches that are off on both sides, ``bits`` those of the base,
    and ``on_card`` says that it does nothing on a CPU."""

    beside: tuple[str, ...] = ()
    bits: int = 16
    float8: bool = False
    on_card: bool = False


SETTINGS = {
    "mask": Setting(beside=("fused_attention",)),
    "gqa": Setting(),
    "fused_lora": Setting(beside=("fused_attention", "fused_mlp")),
    "dropout_kernels": Setting(on_card=True),
    "fused_attention": Setting(),
    "fused_mlp": Setting(),
    "liger": Setting(on_card=True),
    "answer_loss": Setting(),
    "packed_kernel": Setting(bits=4, on_card=True),
    "run_ahead": Setting(),
    "fp8": Setting(float8=True, on_card=True),
}


@dataclass(frozen=True)
class Batch:
    """The size of a step: packs and their length, and the words of the vocabulary."""

    packs: int
    length: int
    words: int


@dataclass(frozen=True)
class Taken:
    """Steps of one side: the seconds of the fastest, the peak of the tensors in GB, and the last loss."""

    seconds: float
    gigabytes: float
    loss: float


def main() -> int:
    """Measures, prints a line for each switch and the JSON line."""
    import torch

    options = arguments()
    if not options.small and not torch.cuda.is_available():
        print("no NVIDIA card here: the script is tried on the CPU, nothing is claimed")
        options.small = True
    if options.small:
        torch.set_num_threads(1)  # waiting for threads would be most of a step so small
    folder = options.folder or Path(tempfile.mkdtemp(prefix="switches-"))
    if options.folder is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shape = TINY if options.small else replace(INTERNLM2_7B, layers=options.layers)
    batch = Batch(4, 128, shape.words) if options.small else Batch(8, 2048, shape.words)
    write_model_apart(folder / "base", shape, "祝福", "cpu" if options.small else "cuda")
    results = {}
    for name in NAMES:
        setting = SETTINGS[name]
        if (options.only and name not in options.only) or (options.small and setting.on_card):
            continue
        results[name] = compared(folder / "base", name, setting, batch, options.rounds)
        print(json.dumps({name: results[name]}), flush=True)
    costly = [name for name, each in results.items() if each["gain"] < AT_LEAST]
    card = "CPU" if options.small else torch.cuda.get_device_name()
    result = {
        "benchmark": "training_switches",
        "figures": {"card": card, "layers": shape.layers, **results, "costly": costly},
        "baseline": "the same step with the switch off",
        "ratio": min((each["gain"] for each in results.values()), default=None),
        "bar": AT_LEAST,
        "pass": None if options.small else not costly,
    }
    print(json.dumps(result))
    return 1 if costly and not options.small else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", nargs="*", help="names of switches")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each side")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="where the model goes; 4 GB")
    return parser.parse_args()


def compared(base: Path, name: str, setting: Setting, batch: Batch, rounds: int) -> dict[str, Any]:
    """Takes steps with the switch on and off, in turns; ``gain`` is the seconds off over those on."""
    sides: dict[bool, list[Taken]] = {True: [], False: []}
    for number in range(2 * rounds):
        side = number % 2 == 0
        sides[side].append(steps(base, setting, batch, setting.beside if side else (*setting.beside, name)))
    on, off = best(sides[True]), best(sides[False])
    return {
        "ms_on": round(on.seconds * 1000, 1),
        "ms_off": round(off.seconds * 1000, 1),
        "gain": round(off.seconds / on.seconds, 3),
        "gb_on": round(on.gigabytes, 1),
        "gb_off": round(off.gigabytes, 1),
        "loss_apart": round(on.loss / off.loss - 1, 4),
    }


def best(rounds: list[Taken]) -> Taken:
    """The fastest step and the highest memory of several rounds."""
    seconds = min(each.seconds for each in rounds)
    return Taken(seconds, max(each.gigabytes for each in rounds), rounds[-1].loss)


def model_of(base: Path, setting: Setting) -> Any:
    """The profiles' training class over the base, as a profile's config builds it."""
    import torch
    from mmengine import ConfigDict
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune

    on_card = torch.cuda.is_available() and os.environ.get("CUDA_VISIBLE_DEVICES") != ""
    llm: dict[str, Any] = {
        "type": AutoModelForCausalLM.from_pretrained,
        "pretrained_model_name_or_path": str(base),
        "torch_dtype": torch.bfloat16 if on_card else torch.float32,
    }
    if setting.bits == 4:
        llm["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_use_double_quant=True,
            bnb_4bit_quant_type="nf4",
        )
    torch.manual_seed(0)
    lora = {"type": LoraConfig, "r": RANK, "lora_alpha": 16, "lora_dropout": 0.1, "bias": "none"}
    lora["task_type"] = "CAUSAL_LM"
    made = FastFinetune(llm=ConfigDict(llm), lora=ConfigDict(lora), checkpointed=0.0, float8=setting.float8)
    return made.to("cuda" if on_card else "cpu").train()


def steps(base: Path, setting: Setting, batch: Batch, off: tuple[str, ...], count: int = 12) -> Taken:
    """Builds the model with these switches off and takes steps: forward, backward, AdamW."""
    import torch

    os.environ[VARIABLE] = ",".join(off)
    model = model_of(base, setting)
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4)
    chance = torch.Generator().manual_seed(1)
    ids = torch.randint(0, batch.words, (batch.packs, batch.length), generator=chance)
    labels = torch.where(torch.rand(ids.shape, generator=chance) < ANSWERS, ids, torch.full_like(ids, -100))
    data = {"input_ids": ids, "labels": labels, "attention_mask": torch.ones_like(ids)}
    data["position_ids"] = torch.arange(batch.length).repeat(batch.packs, 1)
    data = {
        key: value.contiguous().pin_memory() if device.type == "cuda" else value
        for key, value in data.items()
    }
    loss, seconds = 0.0, []
    for _number in range(count):
        began = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            moved = model.data_preprocessor({"data": data}, True)["data"]
            value = model.compute_loss(moved)["loss"]
        value.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss = float(value.detach())
        seconds.append(time.perf_counter() - began)
    peak = torch.cuda.max_memory_allocated() / 1e9 if device.type == "cuda" else 0.0
    del model, optimizer, value, data, moved
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return Taken(min(seconds[2:]), peak, loss)


if __name__ == "__main__":
    sys.exit(main())
