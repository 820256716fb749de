# mypy: disallow_untyped_defs = False
# What Triton compiles has no Python types.
"""Triton kernels of this package; the sizes of their blocks were tried on an H200. Matrices are row-major
with any distance between rows; every product is summed in float32. Shapes are those of
:mod:`tianji_core.training.arithmetic.dropout`."""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from tianji_core.training.arithmetic.hashing import FIRST, GOLDEN, INFINITE, ROW, SECOND, Dropout, threshold

_FIRST, _SECOND = tl.constexpr(FIRST), tl.constexpr(SECOND)
_GOLDEN, _ROW, _INFINITE = tl.constexpr(GOLDEN), tl.constexpr(ROW), tl.constexpr(INFINITE)


@triton.jit
def _mixed(word):
    word = (word ^ (word >> 16)) * _FIRST
    word = (word ^ (word >> 15)) * _SECOND
    return word ^ (word >> 16)


@triton.jit
def _row_words(rows, seed):
    return _mixed((rows.to(tl.uint32) * _ROW) ^ seed.to(tl.uint32))


@triton.jit
def _hashed(row_words, columns):
    word = row_words[:, None] ^ _mixed(columns.to(tl.uint32) * _GOLDEN)[None, :]
    return (word ^ (word >> 16)) * _FIRST


@triton.jit
def _kept(row_words, columns, least):
    return _hashed(row_words, columns) >= least.to(tl.uint32)


@triton.jit(do_not_specialize=["seed", "least"])
def _thin_product(
    x, down, out, copy, count, width, rank, x_stride, out_stride, copy_stride, seed, least, scale,
    DROP: tl.constexpr, COPY: tl.constexpr,
    BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_R: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    ranks = tl.arange(0, BLOCK_R)
    inside = rows < count
    far = rows.to(tl.int64)
    words = _row_words(rows, seed)
    total = tl.zeros((BLOCK_N, BLOCK_R), dtype=tl.float32)
    for begin in range(0, width, BLOCK_K):
        columns = begin + tl.arange(0, BLOCK_K)
        there = inside[:, None] & (columns < width)[None, :]
        tile = tl.load(x + far[:, None] * x_stride + columns[None, :], mask=there, other=0.0)
        if COPY:
            tl.store(copy + far[:, None] * copy_stride + columns[None, :], tile, mask=there)
        if DROP:
            tile = tl.where(_kept(words, columns, least), tile, 0.0)
        weights = tl.load(
            down + ranks[None, :] * width + columns[:, None],
            mask=(ranks < rank)[None, :] & (columns < width)[:, None],
            other=0.0,
        )
        total = tl.dot(tile, weights, total)
    target = out + far[:, None] * out_stride + ranks[None, :]
    tl.store(target, (total * scale).to(out.dtype.element_ty), mask=inside[:, None] & (ranks < rank)[None, :])


@triton.jit(do_not_specialize=["seed", "least"])
def _down_gradient(
    low, x, out, count, width, rank, low_stride, x_stride, share, seed, least, scale,
    DROP: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_R: tl.constexpr,
):  # fmt: skip
    columns = tl.program_id(0) * BLOCK_K + tl.arange(0, BLOCK_K)
    part = tl.program_id(1)
    ranks = tl.program_id(2) * BLOCK_R + tl.arange(0, BLOCK_R)
    total = tl.zeros((BLOCK_R, BLOCK_K), dtype=tl.float32)
    first = part * share
    for begin in range(first, tl.minimum(first + share, count), BLOCK_N):
        rows = begin + tl.arange(0, BLOCK_N)
        inside = rows < count
        far = rows.to(tl.int64)
        tile = tl.load(
            x + far[:, None] * x_stride + columns[None, :],
            mask=inside[:, None] & (columns < width)[None, :],
            other=0.0,
        )
        if DROP:
            tile = tl.where(_kept(_row_words(rows, seed), columns, least), tile, 0.0)
        lows = tl.load(
            low + far[None, :] * low_stride + ranks[:, None],
            mask=inside[None, :] & (ranks < rank)[:, None],
            other=0.0,
        )
        total = tl.dot(lows, tile, total)
    target = out + (part * rank + ranks)[:, None] * width + columns[None, :]
    tl.store(target, total * scale, mask=(ranks < rank)[:, None] & (columns < width)[None, :])


@triton.jit(do_not_specialize=["seed", "least"])
def _input_gradient(
    grad, low, down, out, count, width, rank, grad_stride, low_stride, out_stride, seed, least, scale,
    DROP: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, BLOCK_R: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    columns = tl.program_id(0) * BLOCK_K + tl.arange(0, BLOCK_K)
    inside = rows < count
    far = rows.to(tl.int64)
    there = inside[:, None] & (columns < width)[None, :]
    total = tl.zeros((BLOCK_N, BLOCK_K), dtype=tl.float32)
    for begin in range(0, rank, BLOCK_R):
        ranks = begin + tl.arange(0, BLOCK_R)
        lows = tl.load(
            low + far[:, None] * low_stride + ranks[None, :],
            mask=inside[:, None] & (ranks < rank)[None, :],
            other=0.0,
        )
        weights = tl.load(
            down + ranks[:, None] * width + columns[None, :],
            mask=(ranks < rank)[:, None] & (columns < width)[None, :],
            other=0.0,
        )
        total = tl.dot(lows, weights, total)
    if DROP:
        total = tl.where(_kept(_row_words(rows, seed), columns, least), total * scale, 0.0)
    base = tl.load(grad + far[:, None] * grad_stride + columns[None, :], mask=there, other=0.0)
    result = base.to(tl.float32) + total
    tl.store(out + far[:, None] * out_stride + columns[None, :], result.to(out.dtype.element_ty), mask=there)


@triton.jit(do_not_specialize=["seed"])
def _add_product(
    result, low, factor, count, width, rank, result_stride, low_stride, seed,
    BLOCK_N: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_R: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    columns = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    inside = rows < count
    far = rows.to(tl.int64)
    there = inside[:, None] & (columns < width)[None, :]
    total = tl.zeros((BLOCK_N, BLOCK_M), dtype=tl.float32)
    for begin in range(0, rank, BLOCK_R):
        ranks = begin + tl.arange(0, BLOCK_R)
        lows = tl.load(
            low + far[:, None] * low_stride + ranks[None, :],
            mask=inside[:, None] & (ranks < rank)[None, :],
            other=0.0,
        )
        weights = tl.load(
            factor + columns[None, :] * rank + ranks[:, None],
            mask=(ranks < rank)[:, None] & (columns < width)[None, :],
            other=0.0,
        )
        total = tl.dot(lows, weights, total)
    at = result + far[:, None] * result_stride + columns[None, :]
    whole = (tl.load(at, mask=there, other=0.0).to(tl.float32) + total).to(tl.uint32, bitcast=True)
    noise = tl.where((whole & _INFINITE) != _INFINITE, _hashed(_row_words(rows, seed), columns) >> 16, 0)
    tl.store(at, ((whole + noise) >> 16).to(tl.uint16).to(tl.bfloat16, bitcast=True), mask=there)


@triton.jit
def _quantise(x, out, scales, width, stride, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    within = tl.arange(0, BLOCK)
    largest = tl.zeros((BLOCK,), tl.float32)
    for begin in range(0, width, BLOCK):
        part = tl.load(x + row * stride + begin + within, mask=begin + within < width, other=0.0)
        largest = tl.maximum(largest, tl.abs(part.to(tl.float32)))
    most = tl.maximum(tl.max(largest, 0), 1e-12)
    tl.store(scales + row, most / 448.0)
    for begin in range(0, width, BLOCK):
        inside = begin + within < width
        part = tl.load(x + row * stride + begin + within, mask=inside, other=0.0).to(tl.float32)
        tl.store(
            out + row * width + begin + within, (part * (448.0 / most)).to(out.dtype.element_ty), mask=inside
        )


@triton.jit
def _rotate(
    data, cosines, sines, heads, places, stride, sign,
    PERIOD: tl.constexpr, TURNED: tl.constexpr, HALF: tl.constexpr, BLOCK_H: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0)
    far = row.to(tl.int64)
    place = row % places
    within = tl.arange(0, HALF)
    cosine = tl.load(cosines + place * 2 * HALF + within).to(tl.float32)[None, :]
    sine = tl.load(sines + place * 2 * HALF + within).to(tl.float32)[None, :] * sign
    for begin in range(0, heads, BLOCK_H):
        head = begin + tl.arange(0, BLOCK_H)
        at = data + far * stride + head[:, None] * (2 * HALF) + within[None, :]
        there = ((head < heads) & (head % PERIOD < TURNED))[:, None]
        left = tl.load(at, mask=there, other=0.0).to(tl.float32)
        right = tl.load(at + HALF, mask=there, other=0.0).to(tl.float32)
        kind = data.dtype.element_ty
        tl.store(at, (left * cosine - right * sine).to(kind), mask=there)
        tl.store(at + HALF, (right * cosine + left * sine).to(kind), mask=there)


@triton.jit
def _gate(both, out, width, both_stride, out_stride, BLOCK: tl.constexpr):
    row = tl.program_id(1).to(tl.int64)
    columns = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < width
    gate = tl.load(both + row * both_stride + columns, mask=inside, other=0.0).to(tl.float32)
    value = tl.load(both + row * both_stride + width + columns, mask=inside, other=0.0).to(tl.float32)
    result = gate * tl.sigmoid(gate) * value
    tl.store(out + row * out_stride + columns, result.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _gate_gradient(both, grad, width, both_stride, grad_stride, BLOCK: tl.constexpr):
    row = tl.program_id(1).to(tl.int64)
    columns = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < width
    at_gate = both + row * both_stride + columns
    at_grad = grad + row * grad_stride + columns
    gate = tl.load(at_gate, mask=inside, other=0.0).to(tl.float32)
    value = tl.load(at_gate + width, mask=inside, other=0.0).to(tl.float32)
    slope = tl.load(at_grad, mask=inside, other=0.0).to(tl.float32)
    chance = tl.sigmoid(gate)
    kind = both.dtype.element_ty
    tl.store(at_gate, (slope * value * chance * (1 + gate * (1 - chance))).to(kind), mask=inside)
    tl.store(at_gate + width, (slope * gate * chance).to(kind), mask=inside)
    tl.store(at_grad, (gate * chance * value).to(kind), mask=inside)


def _options(dropout: Dropout) -> dict[str, Any]:
    rate = dropout.rate
    return {"seed": dropout.seed, "least": threshold(rate), "scale": 1 / (1 - rate), "DROP": rate > 0}


def _block(rank: int, most: int) -> int:
    return min(most, max(16, triton.next_power_of_2(rank)))


def _stages(x: Tensor, most: int) -> int:
    """Tiles read ahead; those of float32 take twice the room."""
    return most if x.element_size() == 2 else 1


def thin_product(x: Tensor, down: Tensor, dropout: Dropout, out: Tensor, copy: Tensor | None) -> None:
    """Write ``dropout(x) @ down.T`` into ``out``, and x into ``copy`` where there is one."""
    count, width = x.shape
    block = _block(len(down), 1024)
    # As many blocks of rows as there are multiprocessors, or more: about 130 on a large card.
    tall = max(16, min(128 if block > 128 else 64, triton.next_power_of_2(count) // 128))
    warps, stages = (8, 3) if tall > 64 else (4, 4)
    _thin_product[(triton.cdiv(count, tall),)](
        x, down, out, copy if copy is not None else out, count, width, len(down), x.stride(0), out.stride(0),
        copy.stride(0) if copy is not None else 0, **_options(dropout), COPY=copy is not None,
        BLOCK_N=tall, BLOCK_K=64, BLOCK_R=block, num_warps=warps, num_stages=_stages(x, stages),
    )  # fmt: skip


def down_gradient(low: Tensor, x: Tensor, dropout: Dropout) -> Tensor:
    """``low.T @ dropout(x)`` in float32; the rows are summed in a fixed order."""
    count, width = x.shape
    rank = low.shape[1]
    parts = max(1, min(8, count // 512))
    share = triton.cdiv(triton.cdiv(count, parts), 64) * 64
    parts = triton.cdiv(count, share)
    out = torch.empty(parts, rank, width, dtype=torch.float32, device=x.device)
    block = _block(rank, 256)
    grid = (triton.cdiv(width, 64), parts, triton.cdiv(rank, block))
    _down_gradient[grid](
        low, x, out, count, width, rank, low.stride(0), x.stride(0), share, **_options(dropout),
        BLOCK_N=64, BLOCK_K=64, BLOCK_R=block, num_warps=4, num_stages=_stages(x, 3 if block <= 64 else 2),
    )  # fmt: skip
    return out.sum(0) if parts > 1 else out[0]


def add_input_gradient(grad: Tensor, low: Tensor, down: Tensor, dropout: Dropout, out: Tensor) -> None:
    """Write ``grad + mask * (low @ down) / (1 - rate)`` into ``out``, which may be ``grad``."""
    count, width = grad.shape
    rank = low.shape[1]
    grid = (triton.cdiv(width, 128), triton.cdiv(count, 64))
    _input_gradient[grid](
        grad, low, down, out, count, width, rank, grad.stride(0), low.stride(0), out.stride(0),
        **_options(dropout), BLOCK_N=64, BLOCK_K=128, BLOCK_R=_block(rank, 64), num_warps=4,
        num_stages=_stages(grad, 3 if rank > 64 else 2),
    )  # fmt: skip


def add_product(result: Tensor, low: Tensor, factor: Tensor, seed: int) -> None:
    """Add ``low @ factor.T`` to ``result`` in bfloat16, in place, and round by chance."""
    count, width = result.shape
    rank = low.shape[1]
    grid = (triton.cdiv(width, 128), triton.cdiv(count, 64))
    _add_product[grid](
        result, low, factor, count, width, rank, result.stride(0), low.stride(0), seed,
        BLOCK_N=64, BLOCK_M=128, BLOCK_R=_block(rank, 64), num_warps=4,
    )  # fmt: skip


def quantise(x: Tensor) -> tuple[Tensor, Tensor]:
    """``x`` (N, K) in float8 e4m3 with a scale per row (N, 1): the largest element of a row becomes 448."""
    rows, width = x.shape
    result = torch.empty(rows, width, dtype=torch.float8_e4m3fn, device=x.device)
    scales = torch.empty(rows, 1, dtype=torch.float32, device=x.device)
    _quantise[(rows,)](
        x, result, scales, width, x.stride(0), BLOCK=4096 if width >= 4096 else 1024, num_warps=8
    )
    return result, scales


def rotate(heads: Tensor, cosines: Tensor, sines: Tensor, turned: tuple[int, int], sign: float) -> None:
    """Rotary embedding in place, as :func:`tianji_core.training.arithmetic.elementwise.rotate`; ``sign`` -1
    turns back."""
    rows, count, width = heads.shape
    _rotate[(rows,)](
        heads, cosines, sines, count, len(cosines), heads.stride(0), sign,
        PERIOD=turned[0], TURNED=turned[1], HALF=width // 2, BLOCK_H=min(8, triton.next_power_of_2(count)),
        num_warps=4,
    )  # fmt: skip


def gate(both: Tensor, out: Tensor) -> None:
    """``silu(both[:, :I]) * both[:, I:]`` into the first I columns of ``out``."""
    rows, width = both.shape[0], both.shape[1] // 2
    grid = (triton.cdiv(width, 1024), rows)
    _gate[grid](both, out, width, both.stride(0), out.stride(0), BLOCK=1024, num_warps=4)


def gate_gradient(both: Tensor, grad: Tensor) -> None:
    """In place: ``both`` (N, 2 I) becomes its own gradient, ``grad`` (N, I) becomes the gated product
    again."""
    rows, width = both.shape[0], both.shape[1] // 2
    grid = (triton.cdiv(width, 1024), rows)
    _gate_gradient[grid](both, grad, width, both.stride(0), grad.stride(0), BLOCK=1024, num_warps=4)
