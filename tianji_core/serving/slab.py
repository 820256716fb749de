"""Keys and values of many rows in tensors that are written in place: row b, column t is token t of answer b. Imported by
the server process only."""

from typing import Any

import torch
from transformers import Cache

from tianji_core.serving.batch import Layers

COLUMNS = 128
"""Tokens by which the space grows."""


class Slab(Cache):
    """The caches of several rows as one. ``lengths`` are the tokens of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths: list[int] = []
        self._layers: Layers = []
        self._rows = self._at = torch.empty(0)

    def join(self, layers: Layers, lengths: list[int], prefix: int = 0) -> None:
        """Add rows with caches (k, H, T, D): the first ``prefix`` tokens stand at the left end, the others at the right.

        Raises:
            torch.OutOfMemoryError: no space; nothing was changed.
        """
        self._reserve(layers, len(self.lengths) + len(lengths), max(*self.lengths, *lengths, 1) + 1)
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
        if not order:
            self._layers = []
        return order

    def forward(self, model: Any, tokens: list[int]) -> torch.Tensor:
        """Advance every row by its token; returns the scores of what follows (B, V).

        Raises:
            torch.OutOfMemoryError: no space; the rows are as they were.
        """
        self._reserve(self._layers, len(self.lengths), max(self.lengths) + 1)
        device, dtype = model.device, self._layers[0][0].dtype
        rows = torch.tensor([self.lengths, tokens], device=device)  # one transfer
        self._at, self._rows = rows[0], torch.arange(len(tokens), device=device)
        columns = torch.arange(max(self.lengths) + 1, device=device)
        mask = torch.zeros(len(tokens), len(columns), device=device, dtype=dtype)
        mask.masked_fill_(columns[None, :] > self._at[:, None], torch.finfo(dtype).min)
        out = model(
            input_ids=rows[1][:, None],
            attention_mask=mask[:, None, None, :],  # (B, 1, 1, T)
            position_ids=self._at[:, None],
            past_key_values=self,
            use_cache=True,
        )
        self.lengths = [length + 1 for length in self.lengths]
        return out.logits[:, -1]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, cache_kwargs: Any = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one token per row (B, H, 1, D); returns everything so far (B, H, T, D)."""
        rows, width = len(self.lengths), max(self.lengths) + 1
        keys, values = self._layers[layer_idx]
        keys[self._rows, :, self._at] = key_states[:, :, 0]
        values[self._rows, :, self._at] = value_states[:, :, 0]
        return keys[:rows, :, :width], values[:rows, :, :width]

    def get_seq_length(self, layer_idx: int | None = 0) -> int:
        """Tokens of the longest row."""
        return max(self.lengths, default=0)

    def get_max_cache_shape(self) -> int | None:
        """None: it grows."""
        return None

    def _reserve(self, like: Layers, rows: int, width: int) -> None:
        have = self._layers[0][0].shape if self._layers else (0, 0, 0)
        if rows <= have[0] and width <= have[2]:
            return
        shape = (_doubled(have[0], rows, 1), _doubled(have[2], width, COLUMNS))
        grown: Layers = []
        for at, layer in enumerate(like):
            pair = []
            for which, tensor in enumerate(layer):
                _rows, heads, _columns, size = tensor.shape
                space = tensor.new_zeros(shape[0], heads, shape[1], size)
                if self._layers:
                    old = self._layers[at][which]
                    space[: old.shape[0], :, : old.shape[2]] = old
                pair.append(space)
            grown.append((pair[0], pair[1]))
        self._layers = grown


def _doubled(have: int, need: int, step: int) -> int:
    """At least ``need`` in whole steps, and half as much again as before where it grows."""
    return have if need <= have else -(-max(need, have * 3 // 2) // step) * step


def has_slab(model: Any, cache: Any) -> bool:
    """Whether a model takes a cache and a mask of our making: the architectures that ship with transformers, without
    windows of attention."""
    from transformers import DynamicCache

    kinds = set(getattr(model.config, "layer_types", None) or ["full_attention"])
    window = getattr(model.config, "sliding_window", None) if kinds == {"full_attention"} else None
    unused = window is None or not getattr(model.config, "use_sliding_window", True)
    ours = type(model).__module__.startswith("transformers.models.")
    return ours and type(cache) is DynamicCache and kinds == {"full_attention"} and unused
