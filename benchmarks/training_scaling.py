"""Measures how fine-tuning a 7.7 B model scales from one card to two: tokens per second, memory per card,
loss at equal tokens, and where the rest of the time goes.

``python benchmarks/training_scaling.py [--small] [--steps N] [--only NAME…] [--folder DIR]``
writes a model of random weights in InternLM2-7B's shape, then trains it with the studio's own config through
the command with which the studio starts a training on several cards: LoRA in the fastest bf16 profile on one
card, by DDP and by ZeRO-2, LoRA as its preset is written by ZeRO-3, and all parameters by ZeRO-3. All take
the same packs in the same order, 16 in each optimizer step, so that two cards halve a card's work and the
losses compare; ``ddp-doubled`` gives each card 16, as the studio does unless the accumulation is changed.
Trainings on one card run two at a time, one per card. The last optimizer step runs under the profiler and
does not count in the tokens per second. On a machine with one card only its part runs. ``--small`` uses a
tiny model in two processes on the CPU, to try the script itself. Each training prints a line as it ends; the
last line is one JSON object.
"""

import argparse
import atexit
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_throughput import (
    INTERNLM2_7B,
    TINY,
    TUTORIAL,
    WITHOUT_HOOKS,
    Watch,
    card,
    write_model_apart,
    write_training_file,
)
from tianji_core.files import write_text
from tianji_core.ownership import new_folder
from tianji_core.training import Target, default_settings, preset, profiles, rendered_config
from tianji_core.training.commands import arguments as start_of
from tianji_core.training.commands import free_port
from tianji_core.training.load import cards
from tianji_core.training.profiles import adapted, profile
from tianji_core.training.settings import TrainingSettings

ROOT = Path(__file__).resolve().parents[1]
FAST, PACKS = "96gb", 16
"""The fastest bf16 profile, and the packs of one optimizer step."""
BARS = {"ddp": 0.92, "zero2": 0.85}
LOSS_WITHIN = 0.005
HOOK = """
from benchmarks.step_profile import StepProfile
custom_hooks = [dict(type=StepProfile, folder={folder!r}, first={first}, count={count})]
"""
WITHOUT_LORA = '\nmodel.pop("lora")\n'


@dataclass(frozen=True)
class Case:
    """One training. ``way`` is fast (LoRA under the profile), lora or full (as the preset is written, with
    ``micro`` packs in a micro-batch); ``single`` names the case on one card that it is compared with."""

    name: str
    way: str
    count: int
    deepspeed: str = ""
    micro: int = 8
    packs: int = PACKS
    single: str = ""


GROUPS = (
    (Case("lora-1", "fast", 1), Case("zero2-1", "fast", 1, "deepspeed_zero2")),
    (Case("ddp", "fast", 2, single="lora-1"),),
    (Case("zero2", "fast", 2, "deepspeed_zero2", single="lora-1"),),
    (Case("zero3", "lora", 2, "deepspeed_zero3", single="zero3-1"),),
    (Case("full", "full", 2, "deepspeed_zero3", micro=2, single="full-1"),),
    (Case("ddp-doubled", "fast", 2, packs=2 * PACKS, single="lora-1"),),
    (
        Case("zero3-1", "lora", 1, "deepspeed_zero3"),
        Case("full-1", "full", 1, "deepspeed_zero3", micro=2),
    ),
    (Case("plain-1", "lora", 1),),
)
"""The cases in the order of their weight; those of a group run at the same time."""
PRESETS = {"fast": TUTORIAL, "lora": "internlm2-chat-7b-lora", "full": "internlm2-chat-7b-full"}


@dataclass(frozen=True)
class Ground:
    """What all trainings share: the folder with the model, the optimizer steps, and the time limit of one
    training, in seconds."""

    folder: Path
    steps: int
    small: bool
    limit: float


def main() -> None:
    """Measures, prints a line for each training and the JSON line."""
    options = arguments()
    if not options.small and not cards():
        print("no NVIDIA card here: the script is tried on the CPU, nothing is claimed")
        options.small = True
    count = 2 if options.small else len(cards())
    folder = options.folder or Path(tempfile.mkdtemp(prefix="scaling-", dir=_roomy()))
    if options.folder is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ground = Ground(folder, options.steps or (2 if options.small else 8), options.small, options.limit)
    prepare(ground)
    rate, _capability, _memory, name = (0.0, (0, 0), 0.0, "CPU") if options.small else card()
    results: dict[str, dict[str, Any]] = {}
    for group in GROUPS:
        chosen = [case for case in group if not options.only or case.name in options.only]
        chosen = [case for case in chosen if case.count <= count]
        if count > 1:
            results |= together(ground, chosen)
            continue
        for case in chosen:
            results |= together(ground, [case])
    print(json.dumps(verdict(results, name, rate, ground)))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--steps", type=int, help=f"optimizer steps of {PACKS} packs; 8, small: 2")
    parser.add_argument("--only", nargs="*", help="names of trainings")
    parser.add_argument("--limit", type=float, default=200, help="seconds that a training may take")
    parser.add_argument("--folder", type=Path, help="where model and trainings go; 16 GB")
    return parser.parse_args()


def _roomy() -> str | None:
    """A folder in memory where it holds the model; None for the usual one."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > 40e9 else None


def prepare(ground: Ground) -> None:
    """Writes the model and the training files, for one and for two times the packs."""
    shape, device = (TINY, "cpu") if ground.small else (INTERNLM2_7B, "cuda")
    length, began = _length(ground.small), time.monotonic()
    characters = ""
    for packs in (PACKS, 2 * PACKS):
        path = ground.folder / f"train-{packs}.json"
        characters, _answers = write_training_file(path, int(ground.steps * packs * length * 1.02))
    if not (ground.folder / "base").exists():
        write_model_apart(ground.folder / "base", shape, characters, device)
    print(f"model and data after {time.monotonic() - began:.0f} s", flush=True)


def _length(small: bool) -> int:
    return 128 if small else 2048


def settings_of(case: Case, ground: Ground) -> TrainingSettings:
    """The settings of a training: of its preset, or of the profile."""
    key = "nano-cpu-lora" if ground.small else PRESETS[case.way]
    each = case.packs // case.count
    changes: dict[str, Any] = {
        "base": str(ground.folder / "base"),
        "max_length": _length(ground.small),
        "warmup_ratio": 0.0,  # counted in micro-batches, it would differ where their number in a step does
        "batch_size": case.micro,
        "accumulation": each // case.micro,
        "eval_interval": 0,
    }
    settings = default_settings(key).model_copy(update=changes)
    if case.way == "fast":
        plain = settings.model_copy(update={"batch_size": 1, "accumulation": each})
        kind = profile(FAST)
        if ground.small:
            kind = replace(kind, tokens=8 * _length(True))
        settings = adapted(plain, kind)
    # Writing a line of the log takes 10 ms: one for each optimizer step.
    return settings.model_copy(update={"log_interval": settings.accumulation})


def start(case: Case, ground: Ground, numbers: list[int]) -> "subprocess.Popen[bytes]":
    """Starts a training on the cards of these numbers."""
    settings, work = settings_of(case, ground), new_folder(ground.folder / case.name)
    data = ground.folder / f"train-{case.packs}.json"
    key = "nano-cpu-lora" if ground.small else PRESETS[case.way]
    config = rendered_config(preset(key), settings, data)
    config += WITHOUT_HOOKS.format(window=settings.accumulation)
    first = (ground.steps - 1) * settings.accumulation
    config += HOOK.format(folder=str(work), first=first, count=settings.accumulation)
    config += WITHOUT_LORA if ground.small and case.way == "full" else ""
    write_text(work / "config.py", config)
    target = Target(processes=case.count, deepspeed=case.deepspeed)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "" if ground.small else ",".join(map(str, numbers)),
        **(profiles.VARIABLES if case.way == "fast" else {}),
        **({"OMP_NUM_THREADS": "1"} if ground.small else {}),
    }
    with (work / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, *start_of(target, work, port=free_port())],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def together(ground: Ground, group: list[Case]) -> dict[str, dict[str, Any]]:
    """Runs the trainings of a group at the same time, one after the other on the cards; returns what was
    measured, or under ``failed`` what went wrong."""
    numbers = iter(range(2))
    places = {case.name: [next(numbers) for _ in range(case.count)] for case in group}
    began, results = time.monotonic(), {}
    with Watch() as watch:
        running = {case.name: start(case, ground, places[case.name]) for case in group}
        for case in group:
            code = ended(running[case.name], began + ground.limit)
            if code:
                log = (ground.folder / case.name / "log.txt").read_text(errors="replace")
                lines = [line for line in log.splitlines() if line.strip()]
                results[case.name] = {"failed": code, "log": lines[-60:]}
            else:
                try:
                    results[case.name] = read(case, ground)
                except (OSError, ValueError, KeyError) as error:  # the others still run
                    results[case.name] = {"failed": repr(error)}
            results[case.name]["wall_s"] = round(time.monotonic() - began, 1)
    for case in group:
        taken = [watch.peaks.get(number, 0.0) for number in places[case.name]]
        results[case.name]["taken_gb"] = [round(most, 1) for most in taken]
        print(json.dumps({case.name: results[case.name]}), flush=True)
    return results


def ended(process: "subprocess.Popen[bytes]", deadline: float) -> int:
    """Waits for a training; ends its processes at the deadline. Returns its exit code."""
    try:
        return process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def read(case: Case, ground: Ground) -> dict[str, Any]:
    """What a finished training says: tokens per second without the first step, which compiles and allocates,
    and without the profiled one; the loss over the last quarter; memory; and the shares of the last step."""
    settings, work = settings_of(case, ground), ground.folder / case.name
    [scalars] = work.glob("*/vis_data/scalars.json")
    points = [json.loads(line) for line in scalars.read_text().splitlines()]
    points = [point for point in points if "loss" in point and point["iter"] % settings.accumulation == 0]
    steady = points[1 : ground.steps - 1] or points[:1]
    tokens = case.count * settings.batch_size * settings.max_length
    parts = [json.loads(path.read_text()) for path in sorted(work.glob("profile-*.json"))]
    losses = [statistics.fmean(values) for values in zip(*(part["losses"] for part in parts), strict=True)]
    quarter = max(1, ground.steps // 4) * settings.accumulation
    return {
        "tokens_per_s": round(tokens * len(steady) / sum(point["time"] for point in steady)),
        "data_share": round(
            statistics.fmean(point["data_time"] for point in steady)
            / statistics.fmean(point["time"] for point in steady),
            4,
        ),
        "loss": round(statistics.fmean(losses[-quarter:]), 4),
        "allocated_gb": round(max(point.get("memory", 0) for point in points) * 2**20 / 1e9, 1),
        "reserved_gb": [round(part.get("reserved_gb", 0.0), 1) for part in parts],
        "losses": [round(loss, 4) for loss in losses],
        "step": step_of(parts),
        "top": parts[0]["top"],
    }


def step_of(parts: list[dict[str, Any]]) -> dict[str, float]:
    """The seconds of one optimizer step, mean of the cards: a card that has to wait for the other one does so
    inside NCCL, so the exchange is what the card with the least of it spent, and the rest is waiting."""

    def mean(key: str) -> float:
        return statistics.fmean(part[key] for part in parts)

    exchange = min(part["exchanging"] for part in parts) if len(parts) > 1 else 0.0
    return {
        "seconds": round(mean("seconds"), 4),
        "computing": round(mean("computing"), 4),
        "exchange": round(exchange, 4),
        "waiting_for_the_other": round(mean("exchanging") - exchange, 4),
        "exchange_beside_computing": round(mean("exchanging_at_all") - mean("exchanging"), 4),
        "idle": round(mean("idle"), 4),
    }


def verdict(results: dict[str, dict[str, Any]], name: str, rate: float, ground: Ground) -> dict[str, Any]:
    """The JSON line: each efficiency with its bar, and the losses beside that of one card."""
    efficiency: dict[str, float] = {}
    apart: dict[str, float] = {}
    for case in (case for group in GROUPS for case in group if case.single):
        two, one = results.get(case.name, {}), results.get(case.single, {})
        if "tokens_per_s" in two and "tokens_per_s" in one:
            efficiency[case.name] = round(two["tokens_per_s"] / (2 * one["tokens_per_s"]), 3)
            apart[case.name] = round(two["loss"] / one["loss"] - 1, 4)
    apart.pop("ddp-doubled", None)  # it takes half as many optimizer steps for the same tokens
    measured = BARS.keys() <= efficiency.keys()
    passed = measured and all(efficiency[key] >= bar for key, bar in BARS.items())
    passed = passed and all(abs(loss) <= LOSS_WITHIN for loss in apart.values())
    shown = {
        key: {part: value for part, value in each.items() if part not in ("top", "log", "losses")}
        for key, each in results.items()
    }
    return {
        "benchmark": "training_scaling",
        "figures": {
            "card": name,
            "bf16_tflops": round(rate / 1e12),
            "steps": ground.steps,
            **shown,
            "efficiency": efficiency,
            "loss_apart": apart,
        },
        "baseline": {"tokens_per_s": results.get("lora-1", {}).get("tokens_per_s")},
        "ratio": efficiency.get("ddp"),
        "bar": {**BARS, "loss_within": LOSS_WITHIN},
        "pass": None if ground.small else bool(passed),
    }


if __name__ == "__main__":
    main()
