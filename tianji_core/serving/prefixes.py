"""A cache of prompt prefixes that many requests share, mainly system prompts. Each is computed once per
adapter. Imported by the server process only."""

from collections import OrderedDict

import torch

from tianji_core.serving.batch import Layers

LEAST, MOST = 16, 1024
"""Tokens of a prefix: a shorter one is not worth a second pass, a longer one not its memory."""

KEPT = 8192
"""Tokens of all cached prefixes together."""

Key = tuple[str, tuple[int, ...]]
"""The adapter, and the tokens."""


class Prefixes:
    """Keys and values (H, T, D) of prefixes; the least recently used are dropped first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Layers] = OrderedDict()

    def get(self, key: Key) -> Layers | None:
        """Returns the keys and values of a prefix, or None."""
        layers = self._known.get(key)
        if layers is not None:
            self._known.move_to_end(key)
        return layers

    def put(self, key: Key, layers: Layers) -> None:
        """Stores the keys and values of a prefix."""
        self._known[key] = layers
        while len(self._known) > 1 and sum(len(tokens) for _name, tokens in self._known) > KEPT:
            self._known.popitem(last=False)


def stacked(parts: list[Layers]) -> Layers:
    """Returns prefixes of one length as one cache (k, H, T, D)."""
    layers = range(len(parts[0]))
    return [
        (torch.stack([part[at][0] for part in parts]), torch.stack([part[at][1] for part in parts]))
        for at in layers
    ]
