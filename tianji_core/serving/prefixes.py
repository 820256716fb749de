"""Beginnings of prompts that many requests share, the system prompt above all: read once per adapter. Imported by the
server process only."""

from collections import OrderedDict

import torch

from tianji_core.serving.batch import Layers

LEAST, MOST = 16, 1024
"""Tokens: a shorter beginning is not worth the second pass, a longer one not the memory."""

KEPT = 8192
"""Tokens kept of all beginnings together."""

Key = tuple[str, tuple[int, ...]]
"""The adapter, and the tokens."""


class Prefixes:
    """Keys and values (H, T, D) of beginnings; those that were not used for longest go first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Layers] = OrderedDict()

    def get(self, key: Key) -> Layers | None:
        """What is kept of a beginning."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def put(self, key: Key, layers: Layers) -> None:
        """Keep a beginning."""
        self._known[key] = layers
        while len(self._known) > 1 and sum(len(tokens) for _name, tokens in self._known) > KEPT:
            self._known.popitem(last=False)


def stacked(parts: list[Layers]) -> Layers:
    """Beginnings of one length as one cache (k, H, T, D)."""
    layers = range(len(parts[0]))
    return [
        (torch.stack([part[at][0] for part in parts]), torch.stack([part[at][1] for part in parts]))
        for at in layers
    ]
