"""Weights that bitsandbytes packed into four bits, read right on a CPU. Imported by subprocess entries only.

With AVX512 bitsandbytes 0.50 looks up the scale of a block of 64 by row and column, as if every row began a
block. Where the width of a matrix is no multiple of 64 (864 in the embedded base) a block spans two rows, and
from the second row on the scales are those of other blocks: what is unpacked is off by a third. A training
then mends a base that nobody answers with. Packed numbers lie one behind the other whatever the shape, so
such a matrix is unpacked as rows of one block each.

With AVX512-BF16 a layer also repacks its weight the first time it answers, and keeps it so: after trial
answers no gradient passes through it, and without a package that is not installed it cannot answer either.
"""

from ctypes import c_longlong
from typing import Any

import bitsandbytes.backends.cpu.ops as operations
import bitsandbytes.nn.modules

_UNPACKING = ("cdequantize_blockwise_cpu_nf4_", "cdequantize_blockwise_cpu_fp4_")


class _Blockwise:
    """The native library of bitsandbytes, whose unpacking is never asked for rows that share a block."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, name)
        if not name.startswith(_UNPACKING):
            return function

        def unpack(packed: Any, scales: Any, into: Any, size: Any, rows: Any, width: Any) -> None:
            block, count = size.value, rows.value * width.value
            if width.value % block:
                whole = count % block == 0
                rows, width = (count // block, block) if whole else (1, count)
                rows, width = c_longlong(rows), c_longlong(width)
            function(packed, scales, into, size, rows, width)

        return unpack


def read_four_bits_right() -> None:
    """Changes the bitsandbytes of this process."""
    if not isinstance(operations.lib, _Blockwise):
        setattr(operations, "lib", _Blockwise(operations.lib))  # noqa: B010
    bitsandbytes.nn.modules.has_avx512bf16 = lambda: False
