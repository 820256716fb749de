"""Many answers in one forward pass: key-value caches of different length side by side, padded on the left, each row
with an adapter of its own. Imported by the server process only."""

from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

Layers = list[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values (B, H, T, D) of each layer."""


def can_batch(cache: Any) -> bool:
    """Whether a model's cache is plain keys and values, which is all that can be laid side by side."""
    return type(cache) is DynamicCache or (
        isinstance(cache, tuple) and all(isinstance(layer, tuple) and len(layer) == 2 for layer in cache)
    )


def _layers(cache: Any) -> Layers:
    return list(cache if isinstance(cache, tuple) else cache.to_legacy_cache())


class CacheBatch:
    """The caches of several rows as one. ``lengths`` are the real tokens of each row."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self._cache: Any = None

    def join(self, cache: Any, length: int) -> None:
        """Add one row with its cache (1, H, ``length``, D)."""
        if self._cache is None:
            self._cache, self.lengths = cache, [length]
            return
        width = max(*self.lengths, length)
        mine = [(_widened(k, width), _widened(v, width)) for k, v in _layers(self._cache)]
        theirs = [(_widened(k, width), _widened(v, width)) for k, v in _layers(cache)]
        self._replace(
            [(torch.cat([k, k2]), torch.cat([v, v2])) for (k, v), (k2, v2) in zip(mine, theirs, strict=True)]
        )
        self.lengths.append(length)

    def keep(self, rows: list[int]) -> None:
        """Drop every row but these, and the padding that no row needs any more."""
        if not rows:
            self._cache, self.lengths = None, []
            return
        old = max(self.lengths)
        self.lengths = [self.lengths[row] for row in rows]
        spare = old - max(self.lengths)
        self._replace([(k[rows, :, spare:], v[rows, :, spare:]) for k, v in _layers(self._cache)])

    def forward(self, model: Any, tokens: list[int], **extra: Any) -> torch.Tensor:
        """Advance every row by its token; returns the scores of what follows (B, V)."""
        device = _layers(self._cache)[0][0].device
        lengths = torch.tensor(self.lengths, device=device)
        width = max(self.lengths) + 1
        columns = torch.arange(width, device=device)
        mask = (columns[None, :] >= width - 1 - lengths[:, None]).long()  # (B, T + 1)
        out = model(
            input_ids=torch.tensor(tokens, device=device)[:, None],
            attention_mask=mask,
            position_ids=lengths[:, None],
            past_key_values=self._cache,
            use_cache=True,
            **extra,
        )
        self._cache = out.past_key_values
        self.lengths = [length + 1 for length in self.lengths]
        return out.logits[:, -1]

    def _replace(self, layers: Layers) -> None:
        legacy = tuple(layers)
        dynamic = isinstance(self._cache, DynamicCache)
        self._cache = DynamicCache.from_legacy_cache(legacy) if dynamic else legacy


def _widened(tensor: torch.Tensor, width: int) -> torch.Tensor:
    return pad(tensor, (0, 0, width - tensor.shape[2], 0))
