"""Measures the tokens per second of fine-tuning a 7.7 B model on one GPU: this card's profile against the
tutorial's config.

``python benchmarks/training_throughput.py [--small] [--steps N] [--profiles KEY…] [--folder DIR]`` writes
a model of random weights in InternLM2-7B's shape and composed blessings for it, trains through xtuner's
own program with the config that the studio writes (without trial answers), and compares tokens per second
over the same tokens and the loss over their last quarter. ``--small`` uses a tiny model on the CPU, to try
the script itself. The last line is one JSON object.
"""

import argparse
import atexit
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tianji_core.files import write_json
from tianji_core.ownership import claim_folder, new_folder, remove
from tianji_core.recipe import Plan, brief, built_in_recipe, kept_cells, tasks
from tianji_core.teachers.composer import Composer
from tianji_core.training import default_settings, preset, profiles, rendered_config
from tianji_core.training.load import cards
from tianji_core.training.profiles import Profile, adapted, profile, profile_for
from tianji_core.training.settings import TrainingSettings

ROOT = Path(__file__).resolve().parents[1]
TUTORIAL, SMALL = "internlm2-chat-7b-qlora", "nano-cpu-qlora"
SPECIAL = ["<s>", "</s>", "<pad>", "<unk>", "<|im_start|>", "<|im_end|>"]
BAR, SMALL_CARD_BAR, SMALL_CARD_GB, LOSS_WITHIN = 2.5, 1.3, 22.0, 0.02
WITHOUT_HOOKS = """
custom_hooks = []
default_hooks["checkpoint"] = None
log_processor["window_size"] = {window}
visualizer = dict(type="Visualizer", vis_backends=[dict(type="LocalVisBackend")])
"""


@dataclass(frozen=True)
class Shape:
    """A Llama-shaped model."""

    hidden: int
    layers: int
    heads: int
    pairs: int
    inner: int
    words: int

    @property
    def layer_parameters(self) -> int:
        """Returns the weights of all layers' matrices."""
        narrow = self.hidden // self.heads * self.pairs
        return self.layers * self.hidden * (2 * self.hidden + 2 * narrow + 3 * self.inner)

    def lora_parameters(self, rank: int) -> int:
        """Returns the weights of the LoRA matrices beside them."""
        narrow = self.hidden // self.heads * self.pairs
        sides = 2 * 2 * self.hidden + 2 * (self.hidden + narrow) + 3 * (self.hidden + self.inner)
        return self.layers * rank * sides

    def operations(self, length: int, rank: int, answers: float) -> float:
        """Returns the floating-point operations per token of a LoRA step: forward, and the gradients of
        activations and of the LoRA matrices. Recomputation by checkpointing is not counted; the head
        counts for the share of ``answers``."""
        products = 4 * (self.layer_parameters + answers * self.hidden * self.words)
        attention = (
            self.layers * 3.5 * 2 * length * self.hidden
        )  # causal: half of 4 T H, and 2.5 times that backward
        return products + 6 * self.lora_parameters(rank) + attention


INTERNLM2_7B = Shape(4096, 32, 32, 8, 14336, 92544)
TINY = Shape(64, 4, 4, 2, 128, 4096)


@dataclass(frozen=True)
class Measured:
    """One training: ``rate`` in tokens per second, memory in GB (``allocated`` by tensors, ``taken`` from
    the card), and ``loss`` over the last quarter of the tokens that all trainings share."""

    name: str
    rate: float
    allocated: float
    taken: float
    loss: float
    losses: tuple[float, ...]
    seconds: float


def write_training_file(path: Path, tokens: int) -> tuple[str, float]:
    """Writes composed blessings of so many one-character tokens; returns their characters and the share of
    answer tokens."""
    recipe, composer = built_in_recipe("wishes"), Composer()
    plan = Plan(
        styles=("小红书", "正常", "严肃"),
        rounds=40,
        threshold=recipe.threshold,
        seed=7,
        cells=tuple(kept_cells(recipe, recipe.threshold)),
    )
    written, seen, answered, characters = [], 0, 0, set("systemuserassistant\n")
    for task in tasks(recipe, plan):
        asked = brief(recipe, task, 7)
        output = composer.compose(asked).text
        turn = {"system": recipe.prompts.system, "input": asked.input, "output": output}
        written.append({"conversation": [turn]})
        characters.update(turn["system"], turn["input"], output)
        seen += len(turn["system"]) + len(turn["input"]) + len(output) + 28  # the template's own
        answered += len(output) + 2
        if seen >= tokens:
            break
    write_json(path, written)
    return "".join(sorted(characters)), answered / seen


def write_model(folder: Path, shape: Shape, characters: str, device: str) -> None:
    """Writes a Hugging Face folder of random weights with a tokenizer of single characters."""
    import torch
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM

    vocabulary = [*SPECIAL, *characters]
    tokenizer = Tokenizer(models.WordLevel({text: i for i, text in enumerate(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(
        folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names}, indent=1
    )
    config = LlamaConfig(
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.pairs,
        vocab_size=shape.words,
        max_position_embeddings=4096,
        rope_theta=1e6,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16 if device == "cuda" else torch.float32)
    with torch.device(device):
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder, max_shard_size="4GB")


class Watch:
    """Measures the most memory taken from a card during a block, in GB: ``peaks`` by the card's number, and
    ``peak`` of the fullest. Of cards that ``CUDA_VISIBLE_DEVICES`` numbers, it sees those only."""

    def __init__(self) -> None:
        numbers = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        self._indices = [int(each) for each in numbers] if all(map(str.isdigit, numbers)) else None
        self.peaks: dict[int, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def peak(self) -> float:
        """Returns the most of any card."""
        return max(self.peaks.values(), default=0.0)

    def _look(self) -> None:
        while not self._done.wait(0.2):
            for card in cards(self._indices):
                self.peaks[card.index] = max(self.peaks.get(card.index, 0.0), card.used / 1e9)


def a_point_a_step(settings: TrainingSettings) -> TrainingSettings:
    """The settings with one line of the log for each optimizer step: writing one takes 10 ms."""
    return settings.model_copy(update={"log_interval": settings.accumulation})


LIMITED = """
import runpy, sys, torch
gigabytes = float(sys.argv.pop(1))
whole = torch.cuda.get_device_properties(0).total_memory
torch.cuda.set_per_process_memory_fraction(min(1.0, gigabytes * 1e9 / whole))
runpy.run_module("tianji_core.training.xtuner_engine.trainer", run_name="__main__", alter_sys=True)
"""


def measured(
    name: str,
    config: str,
    settings: TrainingSettings,
    work: Path,
    packs: int,
    device: str,
    limit: float,
    gigabytes: float = 0.0,
) -> Measured:
    """Trains with a config through xtuner, for at most ``limit`` seconds and with no more than so many
    ``gigabytes`` of the card, 0 for all; reads its curve over the first ``packs`` packs.

    Raises:
        RuntimeError: the training failed.
        subprocess.TimeoutExpired: it took longer.
    """
    remove(work)
    new_folder(work)
    path = work / "config.py"
    path.write_text(config + WITHOUT_HOOKS.format(window=settings.accumulation), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **profiles.VARIABLES,
    }
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    program = ["-m", "tianji_core.training.xtuner_engine.trainer"]
    if gigabytes:
        program = ["-c", LIMITED, str(gigabytes)]
    command = [sys.executable, *program, str(path), "--work-dir", str(work)]
    started = time.monotonic()
    with (work / "log.txt").open("w") as log, Watch() as watch:
        code = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=limit
        ).returncode
    if code:
        raise RuntimeError(f"{name}: exit {code}\n" + (work / "log.txt").read_text()[-3000:])
    [scalars] = work.glob("*/vis_data/scalars.json")
    points = [json.loads(line) for line in scalars.read_text().splitlines()]
    # One point for each optimizer step, the mean of its micro-batches; the first compiles and allocates.
    points = [point for point in points if "loss" in point and point["iter"] % settings.accumulation == 0]
    points = points[: packs // (settings.batch_size * settings.accumulation)]
    steady = points[1:]
    tokens = settings.batch_size * settings.max_length
    tail = points[len(points) * 3 // 4 :]
    return Measured(
        name,
        tokens * len(steady) / sum(point["time"] for point in steady),
        max(point.get("memory", 0) for point in points) * 2**20 / 1e9,
        watch.peak,
        statistics.fmean(point["loss"] for point in tail),
        tuple(point["loss"] for point in points),
        time.monotonic() - started,
    )


MATRICES = """
import time, torch
a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in "ab")
for _ in range(5): a @ b
torch.cuda.synchronize(); t = time.perf_counter()
for _ in range(30): a @ b
torch.cuda.synchronize()
print(30 * 2 * 8192**3 / (time.perf_counter() - t), *torch.cuda.get_device_capability(),
      torch.cuda.get_device_properties(0).total_memory / 1e9, torch.cuda.get_device_name(), sep="|")
"""


def card() -> tuple[float, tuple[int, int], float, str]:
    """Returns the card's measured bf16 rate in operations per second, its compute capability, memory in
    GB, and name."""
    answer = subprocess.run([sys.executable, "-c", MATRICES], capture_output=True, text=True, check=True)
    rate, major, minor, memory, name = answer.stdout.strip().split("|")
    return float(rate), (int(major), int(minor)), float(memory), name


def write_model_apart(base: Path, shape: Shape, characters: str, device: str) -> None:
    """Runs :func:`write_model` in a child process, so that it keeps no memory of the card from the
    trainings."""
    work = (base, shape, characters, device)
    writer = multiprocessing.get_context("spawn").Process(target=write_model, args=work)
    writer.start()
    writer.join()
    if writer.exitcode:
        raise RuntimeError(f"the model could not be written: exit {writer.exitcode}")


def main() -> None:
    """Measures, prints a table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--steps", type=int, help="optimizer steps of 16 packs; 20, small: 3")
    parser.add_argument("--profiles", nargs="*", help="profiles beside the tutorial's config")
    parser.add_argument("--folder", type=Path, help="where model and trainings go; 16 GB")
    options = parser.parse_args()
    if not options.small and not cards():
        print("no NVIDIA card here: the script is tried on the CPU, nothing is claimed")
        options.small = True
    device = "cpu" if options.small else "cuda"
    folder = options.folder or Path(tempfile.mkdtemp(prefix="throughput-"))
    if options.folder is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shape = TINY if options.small else INTERNLM2_7B
    chosen = preset(SMALL if options.small else TUTORIAL)
    changes: dict[str, Any] = {"max_length": 128} if options.small else {}
    packs = (options.steps or (3 if options.small else 20)) * 16
    # A short run: 3 % of it would be no warm-up at all where micro-batches are few.
    changes |= {"base": str(folder / "base"), "log_interval": 1, "warmup_ratio": max(0.1, 16 / packs)}
    changes |= {"accumulation": 16, "batch_size": 1}
    settings = default_settings(chosen.key).model_copy(update=changes)
    data = folder / "train.json"
    claim_folder(folder)
    characters, answers = write_training_file(data, int(packs * settings.max_length * 1.02))
    if not (folder / "base").exists():
        write_model_apart(folder / "base", shape, characters, device)
    rate, capability, memory, name = (0.0, (0, 0), 0.0, "CPU") if options.small else card()
    usual = ["80gb"] if options.small else [profile_for(memory, capability).key, "24gb"]
    kinds: list[Profile | None] = [None, *(profile(key) for key in options.profiles or usual)]
    if options.small:
        kinds = [None, *(replace(each, tokens=4 * 128) for each in kinds if each)]
    found = []
    for kind in kinds:
        used = a_point_a_step(settings if kind is None else adapted(settings, kind))
        config = rendered_config(chosen, used, data)
        title = kind.key if kind else "tutorial"
        found.append(measured(title, config, used, folder / title, packs, device, 1500))
        print(json.dumps({**asdict(found[-1]), "losses": None}), flush=True)
    report(found, shape, settings, answers, rate, name, options.small)


def report(
    found: list[Measured],
    shape: Shape,
    settings: TrainingSettings,
    answers: float,
    rate: float,
    name: str,
    small: bool,
) -> None:
    """Prints the table and the JSON line."""
    tutorial, others = found[0], found[1:]
    need = shape.operations(settings.max_length, settings.lora_r, answers)
    print(f"{name}: bf16 products at {rate / 1e12:.0f} TFLOP/s; a token needs {need / 1e9:.1f} GFLOP")
    rows = {}
    for each in found:
        share = each.rate * need / rate if rate else 0.0
        ratio, apart = each.rate / tutorial.rate, each.loss / tutorial.loss - 1
        rows[each.name] = {
            "tokens_per_s": round(each.rate),
            "allocated_gb": round(each.allocated, 1),
            "taken_gb": round(each.taken, 1),
            "loss": round(each.loss, 4),
            "loss_apart": round(apart, 4),
            "of_bf16_rate": round(share, 3),
            "ratio": round(ratio, 2),
        }
        print(
            f"{each.name:9} {each.rate:8.0f} tokens/s  {each.allocated:5.1f} GB of tensors, "
            f"{each.taken:5.1f} GB of the card  loss {each.loss:.4f} ({apart:+.2%})  "
            f"{share:.1%} of the bf16 rate  {ratio:.2f}x"
        )
    best = max(others, key=lambda each: each.rate)
    little = next((each for each in others if each.name == "24gb"), None)
    passed = best.rate >= BAR * tutorial.rate and all(
        abs(each.loss / tutorial.loss - 1) <= LOSS_WITHIN for each in others
    )
    if little is not None:
        passed &= little.rate >= SMALL_CARD_BAR * tutorial.rate and little.taken <= SMALL_CARD_GB
    result = {
        "benchmark": "training_throughput",
        "figures": {
            "card": name,
            "bf16_tflops": round(rate / 1e12),
            "steps": len(tutorial.losses),
            **rows,
        },
        "baseline": {"tokens_per_s": round(tutorial.rate)},
        "ratio": round(best.rate / tutorial.rate, 2),
        "bar": BAR,
        "pass": None if small else bool(passed),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
