"""Builds the nano base: ``python -m tianji_core.models.nano.build --out DIR --seed N``.

Writes the tokenizer, the weights and the model card into DIR, in Hugging Face format, and the list of
hashes last. Needs torch, transformers, tokenizers and safetensors; uses a GPU if there is one. The same
seed on one CPU gives the same weights; a GPU rounds differently. ``--resume`` continues an interrupted
build.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tianji_core.errors import StudioError
from tianji_core.files import write_json
from tianji_core.models.nano.card import write_card
from tianji_core.models.nano.corpus import blessings_of, corpus, documents, pack
from tianji_core.models.nano.folder import MANIFEST, write_manifest
from tianji_core.models.nano.reading import ReadingTasks
from tianji_core.models.nano.template import BOS, END, EOS, PAD, SPECIAL
from tianji_core.models.nano.tokenizer import vocabulary, write_tokenizer
from tianji_core.models.nano.training import (
    LlamaShape,
    Schedule,
    Score,
    llama_config,
    new_model,
    pick_device,
    score,
    train,
)
from tianji_core.ownership import claim_folder, mark, remove, replace
from tianji_core.recipe import Recipe, built_in_recipes, load_recipe
from tianji_core.teachers.composer import Composer

WORK = ".build"
"""Folder inside the output folder that holds the checkpoint during the build."""


TEMPERATURE, TOP_P = 0.7, 0.7
"""How answers of what is trained on the base are drawn where nobody says otherwise. Of held-out questions
87 % pass so, 76 % with the usual top_p of 0.9; answers differ almost as much (docs/guide/en/figures.md)."""


@dataclass(frozen=True)
class BuildOptions:
    """All options that determine the weights. ``documents`` are drawn once and repeated as often as the
    steps need; ``rounds`` texts are composed per cell and style; sequences are ``length`` tokens long.
    ``unseen`` held-out documents are scored at the end."""

    seed: int = 0
    documents: int = 1_200_000
    rounds: int = 16
    length: int = 384
    unseen: int = 3000
    shape: LlamaShape = field(default_factory=LlamaShape)
    schedule: Schedule = field(default_factory=Schedule)


@dataclass(frozen=True)
class Built:
    """The result: parameters, seconds, and held-out scores of plain texts and of reading tasks."""

    parameters: int
    vocabulary: int
    seconds: float
    plain: Score
    reading: Score


def build(
    folder: Path,
    options: BuildOptions,
    device: str = "auto",
    resume: bool = False,
    say: Callable[[str], None] = print,
) -> Built:
    """Builds the base in ``folder``.

    Raises:
        InputError: the folder cannot be written, or holds something else than an earlier build.
    """
    started = time.monotonic()
    work = folder / WORK
    _claim(folder)
    remove(folder / MANIFEST)
    if not resume:
        remove(work)
    recipe = load_recipe(built_in_recipes()["wishes"])
    composer = Composer()
    learnt, kept = blessings_of(recipe, composer, options.rounds, options.seed)
    say(f"{len(learnt)} blessings to learn from, {len(kept)} held out")
    reading = ReadingTasks(recipe, composer.phrases, learnt)
    vocab = vocabulary(_every_text(recipe, composer, reading))
    tokenizer = write_tokenizer(vocab, folder)
    packed = corpus(reading, options.documents, options.seed, tokenizer, options.length)
    say(
        f"{len(vocab)} tokens in the vocabulary, {packed.ids.numel():,} tokens of text, "
        f"{time.monotonic() - started:.0f} s"
    )
    model = new_model(options.shape, len(vocab), options.seed)
    target = pick_device(device)
    train(model, packed, options.schedule, options.seed, target, work, resume, say)

    unseen = list(documents(ReadingTasks(recipe, composer.phrases, kept), options.unseen, options.seed + 1))
    plain = score(model, pack([d for d in unseen if d.prompt == BOS], tokenizer, options.length), target)
    read = score(model, pack([d for d in unseen if d.prompt != BOS], tokenizer, options.length), target)
    say(f"held out, plain text: loss {plain.loss:.4f}, perplexity {plain.perplexity:.2f}")
    say(
        f"held out, reading: loss {read.loss:.4f}, perplexity {read.perplexity:.2f}, "
        f"exact answers {read.exact:.1%}"
    )
    built = Built(
        parameters=sum(p.numel() for p in model.parameters()),
        vocabulary=len(vocab),
        seconds=time.monotonic() - started,
        plain=plain,
        reading=read,
    )
    _export(model, options, len(vocab), folder)
    write_card(folder, asdict(options), asdict(built), target.type)
    remove(work)
    write_manifest(folder)
    say(f"{built.parameters:,} parameters in {folder}, {built.seconds:.0f} s")
    return built


def _claim(folder: Path) -> None:
    """Takes a folder for the build: a new or empty one, or that of an earlier build, which has its list of
    hashes."""
    try:
        recorded = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        if "model.safetensors" in recorded and not folder.is_symlink():
            mark(folder)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    claim_folder(folder)


def _every_text(recipe: Recipe, composer: Composer, reading: ReadingTasks) -> list[str]:
    """Returns texts that contain every character that the recipe and the composer can produce."""
    phrase_files = [*composer.phrases.files.values(), *composer.phrases.folder.glob("*.yaml")]
    return [
        str(recipe.model_dump(mode="json")),
        reading.all_texts(),
        *(file.read_text(encoding="utf-8") for file in phrase_files),
    ]


def _export(model: Any, options: BuildOptions, vocabulary_size: int, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    weights = {
        name: value.detach().to("cpu", torch.float16).contiguous()
        for name, value in model.state_dict().items()
        if name != "lm_head.weight"
    }
    partial = folder / ".model.safetensors.part"
    save_file(weights, str(partial), metadata={"format": "pt"})
    replace(partial, folder / "model.safetensors")
    write_json(folder / "config.json", llama_config(options.shape, vocabulary_size))
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": SPECIAL.index(BOS),
            "eos_token_id": [SPECIAL.index(END), SPECIAL.index(EOS)],
            "pad_token_id": SPECIAL.index(PAD),
            "do_sample": True,
            "temperature": TEMPERATURE,
            "top_p": TOP_P,
        },
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.models.nano.build", description=__doc__)
    defaults = BuildOptions()
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--steps", type=int, default=defaults.schedule.steps, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=defaults.schedule.batch, help="rows per step")
    parser.add_argument(
        "--documents", type=int, default=defaults.documents, help="documents drawn for training"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the folder")
    given = parser.parse_args(argv)
    options = BuildOptions(
        seed=given.seed,
        documents=given.documents,
        schedule=Schedule(steps=given.steps, batch=given.batch),
    )
    try:
        build(given.out, options, given.device, given.resume, lambda line: print(line, flush=True))
    except StudioError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
