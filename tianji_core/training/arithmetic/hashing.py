"""Random numbers as a hash of a seed and of each element's row and column, so that none need be stored: the
mask of a dropout, and rounding to bfloat16 at random."""

from dataclasses import dataclass

import torch
from torch import Tensor

WORD = 0xFFFFFFFF
GOLDEN, ROW = 0x9E3779B9, 0x85EBCA6B
FIRST, SECOND = 0x7FEB352D, 0x846CA68B
"""Odd multipliers. FIRST and SECOND with shifts 16, 15, 16 are the `lowbias32` hash of C. Wellons'
hash-prospector; it is taken of each row and of each column, and one more multiplication mixes the two for an
element."""


INFINITE = 0x7F800000
"""The exponent of infinite values and NaN in float32."""


@dataclass
class Dropout:
    """One dropout of one input: its rate in [0, 1), the seed of its hash, and the mask where one is
    stored."""

    rate: float
    seed: int = 0
    mask: Tensor | None = None


def kept(rows: int, columns: int, rate: float, seed: int, device: torch.device | str = "cpu") -> Tensor:
    """The mask (rows, columns) that the kernels compute: True where an element is kept."""
    return _hashed(rows, columns, seed, device) >= threshold(rate)


def rounded(values: Tensor, seed: int) -> Tensor:
    """``values`` (N, M), float32, in bfloat16: up or down by chance, so that the mean is kept. To the nearest
    one, a sum would lose what is smaller than half of bfloat16's grain. Infinite values and NaN stay."""
    count, width = values.shape
    bits = values.contiguous().view(torch.int32).long() & WORD
    noise = (_hashed(count, width, seed, values.device) >> 16) * ((bits & INFINITE) != INFINITE)
    bits = (bits + noise) >> 16 << 16
    signed = torch.where(bits > WORD >> 1, bits - (WORD + 1), bits).to(torch.int32)
    return signed.view(torch.float32).to(torch.bfloat16)


def _hashed(rows: int, columns: int, seed: int, device: torch.device | str) -> Tensor:
    """The hash of each element, 32 bits in int64."""
    row = torch.arange(rows, device=device)[:, None]
    column = torch.arange(columns, device=device)[None, :]
    word = _mixed(((row * ROW) & WORD) ^ seed) ^ _mixed((column * GOLDEN) & WORD)
    return ((word ^ (word >> 16)) * FIRST) & WORD


def threshold(rate: float) -> int:
    """The smallest hash, of 32 bits, that keeps an element."""
    return min(WORD, round(rate * 2**32))


def _mixed(word: Tensor) -> Tensor:
    """`lowbias32` of each element; int64 holds the unsigned words."""
    word = ((word ^ (word >> 16)) * FIRST) & WORD
    word = ((word ^ (word >> 15)) * SECOND) & WORD
    return word ^ (word >> 16)
