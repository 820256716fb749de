"""Sequences of whole samples that do not see each other. Imported only by training configs.

xtuner joins all samples and cuts them every ``max_length`` tokens: of 100 tokens in sequences of 512, every
fifth sample loses its end, and the rest of its answer is learnt in the next sequence without its question.
A model that is to read its question from few samples learns the opposite from such rests. Here no sample is
cut that fits, and each is read as alone: its places count from 0 and it attends to nothing before it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from xtuner.dataset import process_hf_dataset
from xtuner.utils import DEFAULT_PAD_TOKEN_INDEX, IGNORE_INDEX

from tianji_core.training.packing import order, whole_packs


def whole_samples(max_length: int, seed: int, **options: Any) -> Dataset:
    """The training file as sequences of at most ``max_length`` tokens: ``input_ids``, ``labels`` and
    ``position_ids``. ``seed`` determines which samples share one; ``options`` are those of xtuner's
    ``process_hf_dataset``."""
    samples = order(process_hf_dataset(max_length=max_length, pack_to_max_length=False, **options), seed)
    packs = whole_packs([len(sample["input_ids"]) for sample in samples], max_length)
    return Dataset.from_list([joined([samples[place] for place in pack]) for pack in packs])


def joined(samples: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, list[int]]:
    """Samples as one sequence, with the place of each token in its own sample."""
    return {
        "input_ids": [token for sample in samples for token in sample["input_ids"]],
        "labels": [label for sample in samples for label in sample["labels"]],
        "position_ids": [place for sample in samples for place in range(len(sample["input_ids"]))],
    }


def collate_whole(sequences: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, Any]:
    """A micro-batch, (sequences, tokens) each, padded at the end. It has no attention mask: transformers then
    makes one that parts samples wherever the places count from 0 again."""
    data: dict[str, Tensor] = {}
    for key, padding in (
        ("input_ids", DEFAULT_PAD_TOKEN_INDEX),
        ("labels", IGNORE_INDEX),
        ("position_ids", 0),
    ):
        rows = [torch.tensor(sequence[key], dtype=torch.long) for sequence in sequences]
        data[key] = pad_sequence(rows, batch_first=True, padding_value=padding)
    return {"data": data, "data_samples": None}
