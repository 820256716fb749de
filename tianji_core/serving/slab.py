"""Keys and values of many rows in tensors that are written in place: row b, column t is token t of answer b. Imported by
the server process only."""

import contextlib
from typing import Any

import torch
from transformers import Cache

from tianji_core.serving.batch import Layers

COLUMNS = 128
"""Tokens of the smallest space, which doubles where it grows."""


class Slab(Cache):
    """The caches of several rows as one. ``lengths`` are the tokens of each row. ``keep`` bytes at most stay when the last
    row goes; ``stamp`` changes with the place in memory."""

    def __init__(self, keep: int = 0) -> None:
        super().__init__()
        self.lengths: list[int] = []
        self.stamp = 0
        self._keep = keep
        self._layers: Layers = []
        self._rows = self._at = torch.empty(0)
        self._width = 0

    def join(self, layers: Layers, lengths: list[int], prefix: int = 0) -> None:
        """Add rows with caches (k, H, T, D): the first ``prefix`` tokens stand at the left end, the others at the right.

        Raises:
            torch.OutOfMemoryError: no space; nothing was changed.
        """
        self._fit(layers, len(self.lengths) + len(lengths), max(*self.lengths, *lengths, 1) + 1)
        start = len(self.lengths)
        for mine, theirs in zip(self._layers, layers, strict=True):
            for slab, new in zip(mine, theirs, strict=True):
                for at, length in enumerate(lengths):
                    slab[start + at, :, :prefix] = new[at, :, :prefix]
                    slab[start + at, :, prefix:length] = new[at, :, new.shape[2] - length + prefix :]
        self.lengths += lengths

    def drop(self, rows: list[int]) -> list[int]:
        """Take rows out; returns which old row stands at each place now."""
        order = list(range(len(self.lengths)))
        for hole in sorted(rows, reverse=True):
            last = len(order) - 1
            if hole != last:
                length = self.lengths[last]
                for layer in self._layers:
                    for slab in layer:
                        slab[hole, :, :length] = slab[last, :, :length]
                order[hole], self.lengths[hole] = order[last], length
            order.pop()
            self.lengths.pop()
        if not order and sum(slab.nbytes for layer in self._layers for slab in layer) > self._keep:
            self.release()
        return order

    def release(self) -> None:
        """Give the memory back; no rows may be here."""
        self._layers = []
        self.stamp += 1

    def reserve(self, rows: int, width: int) -> None:
        """Make space for so many rows and tokens.

        Raises:
            torch.OutOfMemoryError: no space; the rows are as they were.
        """
        self._fit(self._layers, rows, width)

    def forward(self, model: Any, tokens: list[int]) -> torch.Tensor:
        """Advance every row by its token; returns the scores of what follows (B, V).

        Raises:
            torch.OutOfMemoryError: no space; the rows are as they were.
        """
        width = max(self.lengths) + 1
        self.reserve(len(tokens), width)
        rows = torch.tensor([self.lengths, tokens], device=model.device)  # one transfer
        scores = self.run(model, rows[0], rows[1], width)
        self.advance()
        return scores

    def run(self, model: Any, at: torch.Tensor, tokens: torch.Tensor, width: int) -> torch.Tensor:
        """Scores (B, V) after one token for each of the first B rows, which stands in column ``at`` (B) of ``width``. No
        value is read back, so that a CUDA graph can hold it."""
        self._at, self._rows, self._width = at, torch.arange(len(at), device=at.device), width
        dtype = self._layers[0][0].dtype
        columns = torch.arange(width, device=at.device)
        mask = torch.zeros(len(at), width, device=at.device, dtype=dtype)
        mask.masked_fill_(columns[None, :] > at[:, None], torch.finfo(dtype).min)
        out = model(
            input_ids=tokens[:, None],
            attention_mask=mask[:, None, None, :],  # (B, 1, 1, T)
            position_ids=at[:, None],
            past_key_values=self,
            use_cache=True,
        )
        return out.logits[:, -1]

    def advance(self) -> None:
        """Count the token that every row was given."""
        self.lengths = [length + 1 for length in self.lengths]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, cache_kwargs: Any = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one token per row (B, H, 1, D); returns everything so far (B, H, T, D)."""
        rows = len(self._rows)
        keys, values = self._layers[layer_idx]
        keys[self._rows, :, self._at] = key_states[:, :, 0]
        values[self._rows, :, self._at] = value_states[:, :, 0]
        return keys[:rows, :, : self._width], values[:rows, :, : self._width]

    def get_seq_length(self, layer_idx: int | None = 0) -> int:
        """Tokens of the longest row."""
        return max(self.lengths, default=0)

    def get_max_cache_shape(self) -> int | None:
        """None: it grows."""
        return None

    def _fit(self, like: Layers, rows: int, width: int) -> None:
        """Space in every layer, one after the other, so that old and new stand beside each other for one only."""
        wanted = (bucket(rows), bucket(width, COLUMNS))
        for at, pair in enumerate(like):
            have = self._layers[at][0].shape if at < len(self._layers) else (0, 0, 0)
            if rows <= have[0] and width <= have[2]:
                continue
            grown = None
            with contextlib.suppress(torch.OutOfMemoryError):
                grown = self._grown(at, pair, (max(have[0], wanted[0]), max(have[2], wanted[1])))
            if grown is None:  # not while the error is handled: its traceback holds the half that was made
                wanted = (rows, -(-width // COLUMNS) * COLUMNS)
                grown = self._grown(at, pair, (max(have[0], wanted[0]), max(have[2], wanted[1])))
            self._layers[at : at + 1] = [grown]
            self.stamp += 1

    def _grown(
        self, at: int, like: tuple[torch.Tensor, torch.Tensor], shape: tuple[int, int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        made = []
        for which, tensor in enumerate(like):
            space = tensor.new_zeros(shape[0], tensor.shape[1], shape[1], tensor.shape[3])
            if at < len(self._layers):
                old = self._layers[at][which]
                space[: old.shape[0], :, : old.shape[2]] = old
            made.append(space)
        return made[0], made[1]


def bucket(need: int, step: int = 1) -> int:
    """The smallest of ``step`` times 1, 2, 4, 8, … that is not below ``need``."""
    size = step
    while size < need:
        size *= 2
    return size


def has_slab(model: Any, cache: Any) -> bool:
    """Whether a model takes a cache and a mask of our making: the architectures that ship with transformers, without
    windows of attention."""
    from transformers import DynamicCache

    kinds = set(getattr(model.config, "layer_types", None) or ["full_attention"])
    window = getattr(model.config, "sliding_window", None) if kinds == {"full_attention"} else None
    unused = window is None or not getattr(model.config, "use_sliding_window", True)
    ours = type(model).__module__.startswith("transformers.models.")
    return ours and type(cache) is DynamicCache and kinds == {"full_attention"} and unused
