"""Measures the tokens per second of fine-tuning a 7.7 B model on one GPU against Unsloth and LLaMA-Factory.

``python benchmarks/training_peers.py [--steps N] [--peers-path DIR] [--small] [--only NAME…] [--folder
DIR] [--limit SECONDS]``. All train the same packs with the same LoRA in one run: the studio's profiles
through its own trainer, the peers through drivers in ``benchmarks/peers``, each in a process of its own.
``--only`` names what is measured, in this order; a name that stands there several times is measured in as
many turns, and counts with its median. ``--peers-path`` is a folder of the peers' packages, which clash with
the studio's (tried: unsloth 2026.10.9, trl 0.24.0, llamafactory 0.9.5, transformers 4.57.6, peft 0.18.1,
liger-kernel 0.6.4). ``--small`` uses a tiny model on the CPU and leaves out peers that are not installed, to
try the script itself. The last line is one JSON object.
"""

import argparse
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.training_throughput import (
    INTERNLM2_7B,
    SMALL,
    TINY,
    TUTORIAL,
    Watch,
    a_point_a_step,
    card,
    measured,
    write_model_apart,
    write_training_file,
)
from tianji_core.files import write_json
from tianji_core.training import default_settings, preset, rendered_config
from tianji_core.training.load import cards
from tianji_core.training.profiles import adapted, profile
from tianji_core.training.settings import TrainingSettings

ROOT = Path(__file__).resolve().parents[1]
BF16, FLOAT8, LITTLE = "96gb", "80gb-fp8", "24gb"
LITTLE_PEER = "unsloth-24gb-micro8"
LOSS_WITHIN = 0.005
"""How far the loss of a profile may lie above the best peer's, at equal tokens. It may lie below: peft and
Unsloth add an adapter's product to one that is already rounded to bfloat16, which loses its first steps."""
AS_PEERS = {"lora_r": 64, "lora_alpha": 16, "learning_rate": 2e-4}  # what the drivers of the peers train with
EXPORT = """
import sys, numpy
from mmengine.config import Config
from xtuner.registry import BUILDER
config = Config.fromfile(sys.argv[1])
numpy.random.seed(config.randomness["seed"])  # as the training does: conversations are mixed before packing
dataset = BUILDER.build(config.train_dataset)
rows = [dataset[number] for number in range(min(int(sys.argv[3]), len(dataset)))]
longest = max(len(row["input_ids"]) for row in rows)
columns = {"ids": ("input_ids", 2), "labels": ("labels", -100)}
numpy.savez(sys.argv[2], **{name: numpy.array([row[key] + [fill] * (longest - len(row[key])) for row in rows],
                                              dtype=numpy.int32) for name, (key, fill) in columns.items()})
"""


@dataclass(frozen=True)
class Way:
    """One way of the studio: its profile's key, dropout, and the memory it may take, in GB, 0 for all."""

    name: str
    profile: str
    dropout: float = 0.1
    gigabytes: float = 0.0


WAYS = (
    Way(BF16, BF16),
    Way(f"{BF16}-dropout0", BF16, 0.0),
    Way(FLOAT8, FLOAT8),
    Way(LITTLE, LITTLE, gigabytes=24.0),
    Way("16gb", "16gb", gigabytes=16.0),
    Way("12gb", "12gb", gigabytes=12.0),
)


@dataclass(frozen=True)
class Peer:
    """One way of a peer: its driver, packs in a micro-batch, checkpointing, bits of the base, dropout, and
    the memory it may take, in GB, 0 for all."""

    name: str
    driver: str
    micro: int
    checkpointing: str
    bits: int
    dropout: float
    gigabytes: float = 0.0


PEERS = (
    Peer("unsloth-dropout0", "run_unsloth.py", 8, "none", 16, 0.0),
    Peer("unsloth", "run_unsloth.py", 8, "none", 16, 0.1),
    Peer("unsloth-24gb-micro4", "run_unsloth.py", 4, "unsloth", 4, 0.1, 24.0),
    Peer(LITTLE_PEER, "run_unsloth.py", 8, "unsloth", 4, 0.1, 24.0),
    Peer("llamafactory", "run_llamafactory.py", 8, "none", 16, 0.1),
)


NAMES = tuple(each.name for each in (*WAYS, *PEERS))
USUAL = (*(name for name in NAMES if name not in (LITTLE, LITTLE_PEER)), *(LITTLE, LITTLE_PEER) * 3)
"""What is measured where nobody names anything: on the small card three times, in turns."""


def main() -> None:
    """Measures, prints a line for each and the JSON line."""
    options = arguments()
    if not options.small and not cards():
        print("no NVIDIA card here: the script is tried on the CPU, nothing is claimed")
        options.small = True
    folder = options.folder or Path(tempfile.mkdtemp(prefix="peers-"))
    if options.folder is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    steps = options.steps or (2 if options.small else 8)
    rate, _capability, _memory, name = (0.0, (0, 0), 0.0, "CPU") if options.small else card()
    settings = prepared(folder, steps, options.small)
    turns: dict[str, list[dict[str, Any]]] = {}
    for each in options.only or USUAL:
        way = next((way for way in WAYS if way.name == each), None)
        if way is not None:
            found = run_way(way, settings, options, folder, steps)
        else:
            found = run_peer(next(peer for peer in PEERS if peer.name == each), options, folder, steps)
        turns.setdefault(each, []).append(found)
        print(json.dumps({each: found}), flush=True)
    results = {each: middle(found) for each, found in turns.items()}
    print(json.dumps(verdict(results, name, rate, steps, options.small)))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--steps", type=int, help="optimizer steps of 16 packs; 8, small: 2")
    parser.add_argument("--peers-path", type=Path, help="a folder of the peers' packages")
    parser.add_argument("--only", nargs="*", choices=NAMES, metavar="NAME", help="; ".join(NAMES))
    parser.add_argument("--folder", type=Path, help="a folder for model and trainings, used again; 16 GB")
    parser.add_argument("--limit", type=float, default=900, help="seconds that one may take; 900")
    return parser.parse_args()


def middle(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """The turn of median speed, with the speeds of all where there are several."""
    worked = sorted((each for each in turns if "failed" not in each), key=lambda each: each["tokens_per_s"])
    chosen = worked[(len(worked) - 1) // 2] if worked else turns[-1]
    if len(turns) == 1:
        return chosen
    rates = [round(each.get("tokens_per_s", 0)) for each in turns]
    return {**chosen, "turns": rates}


def prepared(folder: Path, steps: int, small: bool) -> TrainingSettings:
    """Writes model, data and packs into the folder where they are not there yet; returns the preset's
    settings."""
    shape = TINY if small else INTERNLM2_7B
    chosen = preset(SMALL if small else TUTORIAL)
    packs = steps * 16
    changes: dict[str, Any] = {"max_length": 128} if small else {}
    changes |= {"base": str(folder / "base"), "log_interval": 1, "warmup_ratio": 0.0}
    changes |= {"accumulation": 16, "batch_size": 1, **AS_PEERS}
    settings = default_settings(chosen.key).model_copy(update=changes)
    mark, data = folder / "prepared.json", folder / "train.json"
    there = {"shape": asdict(shape), "packs": packs}
    if mark.is_file() and json.loads(mark.read_text()) == there:
        return settings
    if any(folder.iterdir()):
        raise SystemExit(f"{folder} holds something else: name a new folder")
    characters, _answers = write_training_file(data, int(packs * settings.max_length * 1.03))
    write_model_apart(folder / "base", shape, characters, "cpu" if small else "cuda")
    (folder / "config.py").write_text(rendered_config(chosen, settings, data), encoding="utf-8")
    export(folder, data, packs)
    write_json(mark, there)
    return settings


def run_way(
    way: Way, settings: TrainingSettings, options: argparse.Namespace, folder: Path, steps: int
) -> dict[str, Any]:
    """Trains with a profile of the studio; what went wrong stands under ``failed``."""
    small = options.small
    kind = profile(way.profile)
    if small:
        kind = replace(kind, tokens=4 * 128, float8=False)
    used = a_point_a_step(adapted(settings.model_copy(update={"lora_dropout": way.dropout}), kind))
    config = rendered_config(preset(SMALL if small else TUTORIAL), used, folder / "train.json")
    device, gigabytes = ("cpu", 0.0) if small else ("cuda", way.gigabytes)
    try:
        run = measured(
            way.name, config, used, folder / way.name, steps * 16, device, options.limit, gigabytes
        )
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return {"failed": " ".join(str(error).split())[-1000:]}
    return {
        "tokens_per_s": run.rate,
        "taken_gb": run.taken,
        "allocated_gb": run.allocated,
        "loss": run.loss,
        "losses": [round(loss, 4) for loss in run.losses],
    }


def export(folder: Path, data: Path, packs: int) -> None:
    """Writes the packs as the studio's training reads them, and shortens the training file to so many: all
    must end their schedules at the same step."""
    exported = folder / "packs.npz"
    command = [sys.executable, "-c", EXPORT, str(folder / "config.py"), str(exported), str(packs * 2)]
    while True:
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
        with numpy.load(exported) as stored:
            found = len(stored["ids"])
        if found == packs:
            return
        conversations = json.loads(data.read_text(encoding="utf-8"))
        kept = round(len(conversations) * (packs + 0.5) / (found + 0.5))
        if found < packs or kept >= len(conversations):
            raise SystemExit(f"{found} packs where {packs} are needed")
        data.write_text(json.dumps(conversations[:kept], ensure_ascii=False), encoding="utf-8")


def run_peer(peer: Peer, options: argparse.Namespace, folder: Path, steps: int) -> dict[str, Any]:
    """Trains with a peer; what went wrong stands under ``failed``."""
    values = (peer.micro, peer.checkpointing, peer.bits, peer.dropout, steps, peer.gigabytes)
    driver = ROOT / "benchmarks" / "peers" / peer.driver
    command = [
        sys.executable,
        str(driver),
        str(folder / "base"),
        str(folder / "packs.npz"),
        *map(str, values),
    ]
    paths = [str(path) for path in (options.peers_path, os.environ.get("PYTHONPATH")) if path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        with Watch() as watch:
            answer = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=options.limit
            )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {options.limit:.0f} s"}
    (folder / f"{peer.name}.log").write_text(answer.stdout + answer.stderr)
    lines = [line for line in answer.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        return {"failed": " ".join((answer.stdout + answer.stderr).split())[-1000:]}
    return {**json.loads(lines[-1].removeprefix("RESULT ")), "taken_gb": watch.peak}


def verdict(
    results: dict[str, dict[str, Any]], name: str, rate: float, steps: int, small: bool
) -> dict[str, Any]:
    """The JSON line: each bar with what was measured against it."""

    def speed(*names: str) -> float:
        return max((results.get(each, {}).get("tokens_per_s", 0.0) for each in names), default=0.0)

    best, little = speed("unsloth", "unsloth-dropout0"), speed("unsloth-24gb-micro4", LITTLE_PEER)
    ratios = {
        "bf16_over_unsloth_same_dropout": (speed(BF16), speed("unsloth"), 1.15),
        "bf16_over_unsloth_best": (speed(BF16), best, 1.05),
        "fp8_over_unsloth_best": (speed(FLOAT8), best, 1.4),
        "24gb_over_unsloth_24gb": (speed(LITTLE), little, 1.25),
    }
    bars = {
        key: {"ratio": round(ours / theirs, 3), "bar": bar, "pass": ours >= bar * theirs}
        for key, (ours, theirs, bar) in ratios.items()
        if ours and theirs
    }
    ours = [results[key]["loss"] for key in (BF16, FLOAT8, LITTLE) if results.get(key, {}).get("loss")]
    theirs = [results[peer.name]["loss"] for peer in PEERS if results.get(peer.name, {}).get("loss")]
    above = max(ours) / min(theirs) - 1 if ours and theirs else 0.0
    passed = len(bars) == len(ratios) and all(bar["pass"] for bar in bars.values()) and above <= LOSS_WITHIN
    return {
        "benchmark": "training_peers",
        "figures": {"card": name, "bf16_tflops": round(rate / 1e12), "steps": steps, **results, "bars": bars},
        "baseline": {"unsloth_tokens_per_s": best},
        "ratio": bars.get("bf16_over_unsloth_best", {}).get("ratio"),
        "loss_above_the_peers": round(above, 4),
        "bar": {key: bar for key, (_ours, _theirs, bar) in ratios.items()},
        "pass": None if small else passed,
    }


if __name__ == "__main__":
    main()
