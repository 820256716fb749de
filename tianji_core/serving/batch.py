"""Decodes many answers in one forward pass for models that create their own cache: key-value caches of
different lengths in one batch, padded on the left. Imported by the server process only."""

from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

Layers = list[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values (B, H, T, D) of each layer."""


def can_batch(cache: Any) -> bool:
    """Returns whether a model's cache holds plain keys and values, which is what can be batched."""
    return type(cache) is DynamicCache or (
        isinstance(cache, tuple) and all(isinstance(layer, tuple) and len(layer) == 2 for layer in cache)
    )


def layers_of(cache: Any) -> Layers:
    """Returns the keys and values of a cache that :func:`can_batch` accepts."""
    return list(cache if isinstance(cache, tuple) else cache.to_legacy_cache())


class CacheBatch:
    """The caches of several rows in one batch. ``lengths`` counts the tokens of each row without padding;
    ``dynamic`` selects the cache class that the model expects."""

    def __init__(self, dynamic: bool) -> None:
        self.lengths: list[int] = []
        self._dynamic = dynamic
        self._layers: Layers = []

    def join(self, layers: Layers, lengths: list[int], prefix: int = 0) -> None:
        """Adds rows with caches (k, H, T, D) that are padded on the left. ``prefix`` must be 0: this batch
        stores no shared prefixes."""
        assert prefix == 0
        width = max(*self.lengths, *lengths, 0)
        added = [(_fitted(k, width), _fitted(v, width)) for k, v in layers]
        if self._layers:
            existing = [(_fitted(k, width), _fitted(v, width)) for k, v in self._layers]
            added = [
                (torch.cat([k, k2]), torch.cat([v, v2]))
                for (k, v), (k2, v2) in zip(existing, added, strict=True)
            ]
        self._layers = added
        self.lengths += lengths

    def drop(self, rows: list[int]) -> list[int]:
        """Removes rows and the padding that no remaining row needs. Returns the previous index of each
        remaining row."""
        kept = [row for row in range(len(self.lengths)) if row not in rows]
        if not kept:
            self._layers, self.lengths = [], []
            return []
        self.lengths = [self.lengths[row] for row in kept]
        width = max(self.lengths)
        self._layers = [(_fitted(k[kept], width), _fitted(v[kept], width)) for k, v in self._layers]
        return kept

    def forward(self, model: Any, tokens: list[int]) -> torch.Tensor:
        """Appends one token to every row. Returns the logits of the next token (B, V)."""
        device = self._layers[0][0].device
        lengths = torch.tensor(self.lengths, device=device)
        width = max(self.lengths) + 1
        columns = torch.arange(width, device=device)
        mask = (columns[None, :] >= width - 1 - lengths[:, None]).long()  # (B, T + 1)
        legacy = tuple(self._layers)
        out = model(
            input_ids=torch.tensor(tokens, device=device)[:, None],
            attention_mask=mask,
            position_ids=lengths[:, None],
            past_key_values=DynamicCache.from_legacy_cache(legacy) if self._dynamic else legacy,
            use_cache=True,
        )
        self._layers = layers_of(out.past_key_values)
        self.lengths = [length + 1 for length in self.lengths]
        return out.logits[:, -1]


def _fitted(tensor: torch.Tensor, width: int) -> torch.Tensor:
    """Pads or cuts a tensor on the left to ``width`` tokens."""
    have = tensor.shape[2]
    return tensor[:, :, have - width :] if have >= width else pad(tensor, (0, 0, width - have, 0))
