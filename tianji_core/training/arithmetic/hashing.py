"""The mask of a dropout as a hash of its seed and of each element's row and column, so that none need be
stored."""

from dataclasses import dataclass

import torch
from torch import Tensor

WORD = 0xFFFFFFFF
GOLDEN, ROW = 0x9E3779B9, 0x85EBCA6B
FIRST, SECOND = 0x7FEB352D, 0x846CA68B
"""Odd multipliers. FIRST and SECOND with shifts 16, 15, 16 are the `lowbias32` hash of C. Wellons'
hash-prospector; it is taken of each row and of each column, and one more multiplication mixes the two for an
element."""


@dataclass
class Dropout:
    """One dropout of one input: its rate in [0, 1), the seed of its hash, and the mask where one is
    stored."""

    rate: float
    seed: int = 0
    mask: Tensor | None = None


def kept(rows: int, columns: int, rate: float, seed: int, device: torch.device | str = "cpu") -> Tensor:
    """The mask (rows, columns) that the kernels compute: True where an element is kept."""
    row = torch.arange(rows, device=device)[:, None]
    column = torch.arange(columns, device=device)[None, :]
    word = _mixed(((row * ROW) & WORD) ^ seed) ^ _mixed((column * GOLDEN) & WORD)
    return (((word ^ (word >> 16)) * FIRST) & WORD) >= threshold(rate)


def threshold(rate: float) -> int:
    """The smallest hash, of 32 bits, that keeps an element."""
    return min(WORD, round(rate * 2**32))


def _mixed(word: Tensor) -> Tensor:
    """`lowbias32` of each element; int64 holds the unsigned words."""
    word = ((word ^ (word >> 16)) * FIRST) & WORD
    word = ((word ^ (word >> 15)) * SECOND) & WORD
    return word ^ (word >> 16)
