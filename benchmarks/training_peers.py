"""Measures the tokens per second of fine-tuning a 7.7 B model on one GPU against Unsloth and LLaMA-Factory.

``python benchmarks/training_peers.py [--steps N] [--peers-path DIR] [--small] [--only NAME…] [--folder
DIR]``. All train the same packs with the same LoRA in one run: the studio's profiles through its own trainer,
the peers through drivers in ``benchmarks/peers``, each in a process of its own. ``--peers-path`` is a folder
of their packages, which clash with the studio's (tried: unsloth 2026.10.9, trl 0.24.0, llamafactory 0.9.5,
transformers 4.57.6, peft 0.18.1). ``--small`` uses a tiny model on the CPU and leaves out peers that are not
installed, to try the script itself. The last line is one JSON object.
"""

import argparse
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
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
from tianji_core.training import default_settings, preset, rendered_config
from tianji_core.training.load import cards
from tianji_core.training.profiles import adapted, profile

ROOT = Path(__file__).resolve().parents[1]
BF16, FLOAT8, LITTLE = "96gb", "80gb-fp8", "24gb"
LOSS_WITHIN = 0.005
"""How far the loss of a profile may lie above the best peer's, at equal tokens. It may lie below: peft and
Unsloth add an adapter's product to one that is already rounded to bfloat16, which loses its first steps."""
AS_PEERS = {"lora_r": 64, "lora_alpha": 16, "learning_rate": 2e-4}  # what the drivers of the peers train with
EXPORT = """
import sys, numpy
from mmengine.config import Config
from xtuner.registry import BUILDER
dataset = BUILDER.build(Config.fromfile(sys.argv[1]).train_dataset)
rows = [dataset[number] for number in range(min(int(sys.argv[3]), len(dataset)))]
numpy.savez(sys.argv[2], **{name: numpy.array([row[key] for row in rows], dtype=numpy.int32)
                            for name, key in (("ids", "input_ids"), ("labels", "labels"))})
"""


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
    Peer("unsloth-24gb-micro8", "run_unsloth.py", 8, "unsloth", 4, 0.1, 24.0),
    Peer("llamafactory", "run_llamafactory.py", 8, "none", 16, 0.1),
)


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
    if any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty: name a new folder")
    steps = options.steps or (2 if options.small else 8)
    rate, _capability, _memory, name = (0.0, (0, 0), 0.0, "CPU") if options.small else card()
    results = studio(options, folder, steps)
    for peer in PEERS:
        if not options.only or peer.name in options.only:
            results |= {peer.name: run_peer(peer, options, folder, steps)}
            print(json.dumps({peer.name: results[peer.name]}), flush=True)
    print(json.dumps(verdict(results, name, rate, steps, options.small)))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--steps", type=int, help="optimizer steps of 16 packs; 8, small: 2")
    parser.add_argument("--peers-path", type=Path, help="a folder of the peers' packages")
    parser.add_argument("--only", nargs="*", help="names of profiles and peers")
    parser.add_argument("--folder", type=Path, help="a new folder for model and trainings; 16 GB")
    return parser.parse_args()


def studio(options: argparse.Namespace, folder: Path, steps: int) -> dict[str, dict[str, Any]]:
    """Trains with the studio's profiles."""
    device = "cpu" if options.small else "cuda"
    shape = TINY if options.small else INTERNLM2_7B
    chosen = preset(SMALL if options.small else TUTORIAL)
    packs = steps * 16
    changes: dict[str, Any] = {"max_length": 128} if options.small else {}
    changes |= {"base": str(folder / "base"), "log_interval": 1, "warmup_ratio": 0.0}
    changes |= {"accumulation": 16, "batch_size": 1, **AS_PEERS}
    settings = default_settings(chosen.key).model_copy(update=changes)
    data = folder / "train.json"
    characters, _answers = write_training_file(data, int(packs * settings.max_length * 1.03))
    write_model_apart(folder / "base", shape, characters, device)
    (folder / "config.py").write_text(rendered_config(chosen, settings, data), encoding="utf-8")
    export(folder, data, packs)
    results = {}
    kinds = [profile(key) for key in (BF16, FLOAT8, LITTLE)]
    ways = [(kind.key, kind, 0.1) for kind in kinds] + [(f"{BF16}-dropout0", kinds[0], 0.0)]
    for key, kind, dropout in ways:
        if options.only and key not in options.only:
            continue
        if options.small:
            kind = replace(kind, tokens=4 * 128, float8=False)
        used = a_point_a_step(adapted(settings.model_copy(update={"lora_dropout": dropout}), kind))
        config = rendered_config(chosen, used, data)
        run = measured(key, config, used, folder / key, packs, device, 900)
        losses = [round(loss, 4) for loss in run.losses]
        results[key] = {
            "tokens_per_s": run.rate,
            "taken_gb": run.taken,
            "allocated_gb": run.allocated,
            "loss": run.loss,
            "losses": losses,
        }
        print(json.dumps({key: results[key]}), flush=True)
    return results


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
    with Watch() as watch:
        answer = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
        )
    (folder / f"{peer.name}.log").write_text(answer.stdout + answer.stderr)
    lines = [line for line in answer.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        return {"failed": " ".join((answer.stdout + answer.stderr).split())[-400:]}
    return {**json.loads(lines[-1].removeprefix("RESULT ")), "taken_gb": watch.peak}


def verdict(
    results: dict[str, dict[str, Any]], name: str, rate: float, steps: int, small: bool
) -> dict[str, Any]:
    """The JSON line: each bar with what was measured against it."""

    def speed(*names: str) -> float:
        return max((results.get(each, {}).get("tokens_per_s", 0.0) for each in names), default=0.0)

    best, little = speed("unsloth", "unsloth-dropout0"), speed("unsloth-24gb-micro4", "unsloth-24gb-micro8")
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
