"""How much memory and disk a training needs, from the shape of its base model. Imports no torch.

The constants were fitted to peaks measured with xtuner 0.2.0 on a 7.7 B model (hidden 4096, 32 layers,
vocabulary 92,544, rank 64, 2048 tokens): 12.9 GB for 4 bits with micro-batch 1; 36 and 46 GB unquantised with
micro-batches of 1 and 4; 122 GB for 4 without activation checkpointing.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from tianji_core.errors import ModelError
from tianji_core.model_folders.config_files import CONFIG, read_object
from tianji_core.training.estimate import IterationEstimate
from tianji_core.training.settings import TrainingSettings

NF4_BYTES = 0.53
"""Bytes of a weight in 4 bits, with its double-quantised scales."""
UNPACKED_SCALES = 0.58
"""Bytes of a weight in 4 bits whose scales are unpacked beforehand."""
CONTEXT_BYTES = 1.4e9
"""Bytes of a card that driver, libraries and fragmentation take beside tensors, under the profiles."""
TRAINED_BYTES = 16
"""Bytes of a trained parameter in 32 bits: weight, gradient, and the two moments of AdamW."""
LOGIT_BYTES = 12
"""Bytes of one logit: 16 bits, the float32 copy of the loss, its softmax and gradient."""

PAIRS_LOGIT_BYTES = 18
"""Bytes of one logit where pairs are learnt: those of model and reference, in float32."""

LARGEST_SIZE = 10_000_000
"""Sizes from here on are no sizes of a model: none is as wide or deep, or has such a vocabulary."""


@dataclass(frozen=True)
class Shape:
    """A decoder's sizes as in its ``config.json``. ``wide`` and ``narrow`` are the outputs of the query and
    of the key projection."""

    hidden: int
    layers: int
    inner: int
    wide: int
    narrow: int
    words: int
    tied: bool

    @property
    def matrices(self) -> int:
        """Parameters in the matrices of all layers."""
        return self.layers * (2 * self.hidden * (self.wide + self.narrow) + 3 * self.hidden * self.inner)

    @property
    def words_parameters(self) -> int:
        """Parameters of the embedding and of the output head."""
        return self.words * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All parameters but the few of the norms."""
        return self.matrices + self.words_parameters

    def adapter(self, rank: int) -> int:
        """Parameters of LoRA matrices on every matrix of the layers."""
        per_layer = 2 * (self.hidden + self.wide) + 2 * (self.hidden + self.narrow)
        return self.layers * rank * (per_layer + 3 * (self.hidden + self.inner))


@dataclass(frozen=True)
class Need:
    """Bytes that a training takes of each card and of the disk: ``checkpoint`` for each checkpoint,
    ``merged`` for the merged model."""

    weights: float
    trained: float
    activations: float
    checkpoint: float
    merged: float

    @property
    def card(self) -> float:
        """Bytes on each card."""
        return self.weights + self.trained + self.activations

    @property
    def card_gb(self) -> int:
        """Whole GB on each card, rounded up: the figure that presets, pages, checks and documents give."""
        return math.ceil(self.card / 1e9)


def shape_of(folder: Path) -> Shape | None:
    """The shape of the model in a folder; None where its configuration does not tell."""
    try:
        value = read_object(folder, CONFIG)
        hidden, heads = int(value["hidden_size"]), int(value["num_attention_heads"])
        width = int(value.get("head_dim") or hidden // heads)
        shape = Shape(
            hidden=hidden,
            layers=int(value["num_hidden_layers"]),
            inner=int(value["intermediate_size"]),
            wide=heads * width,
            narrow=int(value.get("num_key_value_heads") or heads) * width,
            words=int(value["vocab_size"]),
            tied=bool(value.get("tie_word_embeddings")),
        )
        sizes = (shape.hidden, shape.layers, shape.inner, shape.wide, shape.narrow, shape.words)
        return shape if all(0 < size < LARGEST_SIZE for size in sizes) else None
    except (ModelError, ValueError, KeyError, TypeError, ArithmeticError):
        return None


def need_of(
    shape: Shape,
    settings: TrainingSettings,
    method: str,
    checkpointing: bool = True,
    deepspeed: str = "",
    world: int = 1,
    logit_bytes: float = LOGIT_BYTES,
) -> Need:
    """The memory of one card. ``deepspeed`` splits gradients and moments (ZeRO-2), and weights too (ZeRO-3),
    over ``world`` cards; with 'offload' they are in the machine's memory instead."""
    tokens = settings.batch_size * settings.max_length
    apart = world if deepspeed else 1
    checkpoint: float
    offloaded = 0.0 if deepspeed.endswith("offload") else 1.0
    if method == "full":
        weights = 2.0 * shape.parameters / (apart if "zero3" in deepspeed else 1)
        trained = (TRAINED_BYTES - 2) * shape.parameters / apart * offloaded
        checkpoint = (TRAINED_BYTES - 2) * shape.parameters
    else:
        adapter = shape.adapter(settings.lora_r)
        # xtuner prepares every base as if it were quantised: what is not in 4 bits becomes float32
        stored = NF4_BYTES if method == "qlora" else 4.0
        weights = stored * shape.matrices + 4.0 * shape.words_parameters
        trained = TRAINED_BYTES * adapter / apart * offloaded
        checkpoint = 12.0 * adapter
    layer = 16.0 * shape.hidden + 6.0 * shape.inner
    kept = layer + 4.0 * shape.layers * shape.hidden if checkpointing else 2.1 * shape.layers * layer
    activations = tokens * (logit_bytes * shape.words + kept)
    return Need(weights, trained, activations, checkpoint, 2.0 * shape.parameters)


def pairs_need(
    shape: Shape,
    settings: TrainingSettings,
    method: str,
    checkpointing: bool,
    guess: IterationEstimate | None,
) -> Need:
    """The memory of one card where a model learns from pairs: a micro-batch holds two rows for each pair, as
    long as the longest answer in it. A reference of the same weights takes no further copy of them."""
    longest = min(max(guess.lengths, default=settings.max_length), settings.max_length) if guess else None
    rows = settings.model_copy(
        update={"batch_size": 2 * settings.batch_size, "max_length": longest or settings.max_length}
    )
    return need_of(shape, rows, method, checkpointing, logit_bytes=PAIRS_LOGIT_BYTES)


def profile_need(
    shape: Shape,
    settings: TrainingSettings,
    quantised: bool,
    checkpointed: float,
    float8: bool = False,
) -> Need:
    """The memory of one card under a profile: the base stays in 16 or 4 bits, no logits are kept, and
    ``checkpointed`` is the share of layers that keep only their input. Fitted to what the profiles took of an
    H200."""
    adapter, tokens = shape.adapter(settings.lora_r), settings.batch_size * settings.max_length
    weight = UNPACKED_SCALES if quantised else 2.3 if float8 else 2.0
    weights = weight * shape.matrices + 2.0 * shape.words_parameters
    # 16 bits of two sums, two norms, queries, keys, values, the attention's result, gate and value; a base
    # that is joined with its adapter keeps a copy of what goes into the last product of the attention
    wide = (2 if quantised else 3) * shape.wide
    layer = 2.06 * (4 * shape.hidden + wide + 2 * shape.narrow + 2 * shape.inner)
    kept = shape.layers * ((1 - checkpointed) * layer + checkpointed * 2 * shape.hidden)
    activations = tokens * (kept + (layer if checkpointed else 0)) + 1024 * 8 * shape.words + CONTEXT_BYTES
    return Need(
        weights, (16.0 if quantised else 18.0) * adapter, activations, 12.0 * adapter, 2.0 * shape.parameters
    )
