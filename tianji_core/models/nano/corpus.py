"""The training data of the base: plain blessings of the training cells, and reading tasks about them,
packed into sequences of token ids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tianji_core.models.nano import template
from tianji_core.models.nano.reading import Blessing, ReadingTasks
from tianji_core.models.nano.split import Cell, split_cells
from tianji_core.recipe import Plan, Recipe, brief, kept_cells, tasks
from tianji_core.teachers.composer import Composer

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

CHUNK = 20_000
"""Documents drawn from one source of randomness and packed together."""
PLAIN_SHARE = 0.35
"""Share of documents that are plain blessings without a request."""
IGNORED = -100
"""Label of a token that does not contribute to the loss."""


class TrainingDocument(NamedTuple):
    """The model is trained on ``answer`` after ``prompt``; the prompt of a plain text is only the start
    token."""

    prompt: str
    answer: str


@dataclass(frozen=True)
class PackedDocuments:
    """Packed documents. ``ids`` and ``labels`` are (sequences, length) int32; a label is the token itself,
    or IGNORED."""

    ids: "Tensor"
    labels: "Tensor"


def compose_blessings(
    recipe: Recipe, composer: Composer, cells: Sequence[Cell], rounds: int, seed: int
) -> list[Blessing]:
    """Returns ``rounds`` texts for each cell in every style of both the recipe and the composer, without
    duplicates."""
    styles = tuple(style.text for style in recipe.styles if style.text in composer.phrases.styles)
    everything = recipe.changed(threshold=0)
    blessings: dict[str, Blessing] = {}
    for task in tasks(everything, Plan(styles=styles, rounds=rounds, seed=seed, cells=tuple(cells))):
        asked = replace(brief(everything, task, seed), seed=seed)
        text = composer.compose(asked).text
        blessings[text] = Blessing(text, task.name, task.scene, task.style, asked.name.pronoun.value)
    return list(blessings.values())


def blessings_of(
    recipe: Recipe, composer: Composer, rounds: int, seed: int
) -> tuple[list[Blessing], list[Blessing]]:
    """Returns (texts of the training cells, texts of the held-out cells)."""
    learnt, kept = split_cells(kept_cells(recipe, recipe.threshold))
    return compose_blessings(recipe, composer, learnt, rounds, seed), compose_blessings(
        recipe, composer, kept, 2, seed
    )


def corpus(
    reading: ReadingTasks, count: int, seed: int, tokenizer: "Tokenizer", length: int
) -> PackedDocuments:
    """``count`` documents drawn with ``seed``, in packed sequences of ``length`` tokens."""
    import torch

    chunks = [
        packed_chunk(reading, number, min(CHUNK, count - number * CHUNK), seed, tokenizer, length)
        for number in range((count + CHUNK - 1) // CHUNK)
    ]
    return PackedDocuments(torch.cat([one.ids for one in chunks]), torch.cat([one.labels for one in chunks]))


def packed_chunk(
    reading: ReadingTasks, number: int, count: int, seed: int, tokenizer: "Tokenizer", length: int
) -> PackedDocuments:
    """Chunk ``number`` of a corpus; independent of the others."""
    return pack(list(documents(reading, count, seed, number)), tokenizer, length)


def documents(reading: ReadingTasks, count: int, seed: int, chunk: int = 0) -> Iterator[TrainingDocument]:
    """Yields ``count`` documents, drawn with ``seed`` and the number of a chunk."""
    source = Random(f"documents|{seed}|{chunk}")
    for _number in range(count):
        if source.random() < PLAIN_SHARE:
            yield TrainingDocument(template.BOS, reading.blessing(source).text + template.EOS)
        else:
            turn = reading.draw(source)
            yield TrainingDocument(template.prompt(turn.request, turn.system), template.answer(turn.answer))


def pack(written: Sequence[TrainingDocument], tokenizer: "Tokenizer", length: int) -> PackedDocuments:
    """Packs documents into sequences of ``length`` tokens. Each sequence begins with a document; a
    document is cut where the sequence ends."""
    import torch

    prompts = tokenizer.encode_batch([d.prompt for d in written], add_special_tokens=False)
    answers = tokenizer.encode_batch([d.answer for d in written], add_special_tokens=False)
    newline = tokenizer.token_to_id("\n")
    ids: list[list[int]] = []
    labels: list[list[int]] = []
    row: list[int] = []
    targets: list[int] = []
    for document, prompt, answer in zip(written, prompts, answers, strict=True):
        tail = [newline] if document.prompt != template.BOS else []
        row += prompt.ids + answer.ids + tail
        targets += [IGNORED] * len(prompt.ids) + answer.ids + [IGNORED] * len(tail)
        if len(row) >= length:
            ids.append(row[:length])
            labels.append(targets[:length])
            row, targets = [], []
    if not ids:
        pad = length - len(row)
        ids.append(row + [newline] * pad)
        labels.append(targets + [IGNORED] * pad)
    return PackedDocuments(torch.tensor(ids, dtype=torch.int32), torch.tensor(labels, dtype=torch.int32))
