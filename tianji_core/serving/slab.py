"""Keys and values of many rows in tensors that are written in place: row b, column t is token t of answer
b. Imported by the server process only."""

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from transformers import Cache

from tianji_core.serving.batch import Layers

COLUMNS = 128
"""Columns of the smallest allocation; larger ones have as many as :func:`bucket` says."""
MOVED_BYTES = 1 << 26
"""Bytes of keys, or of values, of one layer that are copied at once when rows end."""


class Slab(Cache):
    """The caches of several rows in one batch. ``lengths`` counts the tokens of each row. At most ``keep``
    bytes stay allocated when the last row ends; ``stamp`` changes with the address."""

    def __init__(self, keep: int = 0) -> None:
        super().__init__()
        self.lengths: list[int] = []
        self.stamp = 0
        self._keep = keep
        self._layers: Layers = []
        self._rows = self._at = torch.empty(0)
        self._width = 0

    def join(self, layers: Layers, lengths: list[int], prefix: int = 0) -> None:
        """Adds rows with caches (k, H, T, D): the first ``prefix`` tokens are at the left end, the others at
        the right.

        Raises:
            torch.OutOfMemoryError: no memory; nothing is changed.
        """
        self._fit(layers, len(self.lengths) + len(lengths), max(*self.lengths, *lengths, 1) + 1)
        start = len(self.lengths)
        width, read = max(lengths), layers[0][0].shape[2]
        if layers[0][0].device.type == "cpu":
            self._copy(layers, lengths, prefix)
            self.lengths += lengths
            return
        columns = torch.arange(width)
        moved = columns + (read - torch.tensor(lengths)[:, None])  # where column t of row b is found
        source = torch.where(columns < prefix, columns, moved).clamp(max=read - 1)  # (k, width)
        source = source[:, None, :, None].to(layers[0][0].device)
        for existing, added in zip(self._layers, layers, strict=True):
            for slab, new in zip(existing, added, strict=True):
                held = source.expand(-1, new.shape[1], -1, new.shape[3])
                # What is written past a row's length is never read.
                slab[start : start + len(lengths), :, :width] = new.gather(2, held)
        self.lengths += lengths

    def _copy(self, layers: Layers, lengths: list[int], prefix: int) -> None:
        """:meth:`join` row by row: on a CPU, a copy costs its bytes and not its launch."""
        start, read = len(self.lengths), layers[0][0].shape[2]
        for existing, added in zip(self._layers, layers, strict=True):
            for slab, new in zip(existing, added, strict=True):
                slab[start : start + len(lengths), :, :prefix] = new[:, :, :prefix]
                for row, length in enumerate(lengths):
                    slab[start + row, :, prefix:length] = new[row, :, read - length + prefix :]

    def drop(self, rows: list[int]) -> list[int]:
        """Removes rows. Returns the previous index of each remaining row."""
        order = list(range(len(self.lengths)))
        for hole in sorted(rows, reverse=True):
            last = order.pop()
            length = self.lengths.pop()
            if hole < len(order):
                order[hole], self.lengths[hole] = last, length
        self._move([(at, before) for at, before in enumerate(order) if at != before])
        if not order and sum(slab.nbytes for layer in self._layers for slab in layer) > self._keep:
            self.release()
        return order

    def release(self) -> None:
        """Frees the memory; there must be no rows."""
        self._layers = []
        self.stamp += 1

    def _move(self, moves: list[tuple[int, int]]) -> None:
        """Copies rows, (to, from): no row is read after it was written. One copy for each tensor, not each
        row, whose launches would take longer than a step."""
        if not moves or not self._layers:
            return
        like, width = self._layers[0][0], max(self.lengths[to] for to, _before in moves)
        most = max(1, MOVED_BYTES // (like[0, :, :width].numel() * like.element_size()))
        for begin in range(0, len(moves), most):
            part = moves[begin : begin + most]
            places = sent(list(zip(*part, strict=True)), like.device)
            for layer in self._layers:
                for slab in layer:
                    used = slab[:, :, :width]
                    used.index_copy_(0, places[0], used.index_select(0, places[1]))

    def reserve(self, rows: int, width: int) -> None:
        """Allocates memory for this many rows and tokens.

        Raises:
            torch.OutOfMemoryError: no memory; the rows are unchanged.
        """
        self._fit(self._layers, rows, width)

    def forward(self, model: Any, tokens: list[int] | torch.Tensor) -> torch.Tensor:
        """Appends one token to every row. Returns the logits of the next token (B, V).

        Raises:
            torch.OutOfMemoryError: no memory; the rows are unchanged.
        """
        width = max(self.lengths) + 1
        self.reserve(len(tokens), width)
        if isinstance(tokens, torch.Tensor):
            scores = self.run(model, sent(self.lengths, model.device), tokens, width)
        else:
            rows = torch.tensor([self.lengths, tokens], device=model.device)  # one transfer
            scores = self.run(model, rows[0], rows[1], width)
        self.advance()
        return scores

    def run(self, model: Any, at: torch.Tensor, tokens: torch.Tensor, width: int) -> torch.Tensor:
        """Returns the logits (B, V) after one token for each of the first B rows, written to column ``at``
        (B) of ``width``. Reads no value back, so that a CUDA graph can capture it."""
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
        """Counts the token that every row received."""
        self.lengths = [length + 1 for length in self.lengths]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, cache_kwargs: Any = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes one token per row (B, H, 1, D). Returns all tokens so far (B, H, T, D)."""
        rows = len(self._rows)
        keys, values = self._layers[layer_idx]
        keys[self._rows, :, self._at] = key_states[:, :, 0]
        values[self._rows, :, self._at] = value_states[:, :, 0]
        return keys[:rows, :, : self._width], values[:rows, :, : self._width]

    def get_seq_length(self, layer_idx: int | None = 0) -> int:
        """Returns the number of tokens of the longest row."""
        return max(self.lengths, default=0)

    def get_max_cache_shape(self) -> int | None:
        """Returns None: the cache grows."""
        return None

    def _fit(self, like: Layers, rows: int, width: int) -> None:
        """Allocates memory layer by layer, so that old and new memory coexist for one layer only."""
        needed = (bucket(rows), bucket(width, COLUMNS))
        for at, pair in enumerate(like):
            have = self._layers[at][0].shape if at < len(self._layers) else (0, 0, 0)
            if rows <= have[0] and width <= have[2]:
                continue
            grown = None
            with contextlib.suppress(torch.OutOfMemoryError):
                grown = self._grown(at, pair, (max(have[0], needed[0]), max(have[2], needed[1])))
            if grown is None:  # outside of the except block, whose traceback refers to the new half
                needed = (rows, -(-width // COLUMNS) * COLUMNS)
                grown = self._grown(at, pair, (max(have[0], needed[0]), max(have[2], needed[1])))
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


def sent(values: Sequence[Any], device: torch.device, dtype: torch.dtype = torch.int64) -> torch.Tensor:
    """Returns numbers, or rows of them, as a tensor on the device, without waiting for what the device
    computes."""
    held = torch.tensor(values, dtype=dtype)
    return held.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else held.to(device)


def bucket(need: int, step: int = 1) -> int:
    """Returns the smallest of ``step`` times 1, 2, 4, 8, … that is at least ``need``; past 32 also those
    times 3 / 4, because unused rows and columns cost time there."""
    size = step
    while size < need:
        size *= 2
    between = size * 3 // 4
    return between if size > max(32, step) and between >= need else size


def has_slab(model: Any, cache: Any) -> bool:
    """Returns whether a model accepts this cache and its mask: the architectures of transformers without
    sliding-window attention."""
    from transformers import DynamicCache

    kinds = set(getattr(model.config, "layer_types", None) or ["full_attention"])
    window = getattr(model.config, "sliding_window", None) if kinds == {"full_attention"} else None
    unused = window is None or not getattr(model.config, "use_sliding_window", True)
    ours = type(model).__module__.startswith("transformers.models.")
    return ours and type(cache) is DynamicCache and kinds == {"full_attention"} and unused
