"""Every Triton kernel compiles to machine code for Ampere and for Hopper, which needs no card: what the
interpreter runs may still not compile."""

from typing import Any

import pytest

triton = pytest.importorskip("triton")

from tianji_core.training.arithmetic import triton_kernels as kernels  # noqa: E402

WIDE, FLOAT, COUNT, SEED = "*bf16", "*fp32", "i32", "i64"
DROPOUT = (SEED, SEED, "fp32")
BLOCKS = {"BLOCK_N": 64, "BLOCK_K": 64, "BLOCK_R": 64}
CALLS: dict[str, tuple[tuple[str, ...], dict[str, Any], int, int]] = {
    "_thin_product": ((WIDE,) * 4 + (COUNT,) * 6 + DROPOUT, {**BLOCKS, "DROP": True, "COPY": True}, 4, 4),
    "_down_gradient": ((WIDE, WIDE, FLOAT) + (COUNT,) * 6 + DROPOUT, {**BLOCKS, "DROP": True}, 4, 3),
    "_input_gradient": ((WIDE,) * 4 + (COUNT,) * 6 + DROPOUT, {**BLOCKS, "BLOCK_K": 128, "DROP": True}, 4, 2),
    "_add_product": (
        (WIDE,) * 3 + (COUNT,) * 5 + (SEED,),
        {"BLOCK_N": 64, "BLOCK_M": 128, "BLOCK_R": 64},
        4,
        3,
    ),
    "_quantise": ((WIDE, "*fp8e4nv", FLOAT, COUNT, COUNT), {"BLOCK": 4096}, 8, 3),
    "_rotate": (
        (WIDE, WIDE, WIDE, COUNT, COUNT, COUNT, "fp32"),
        {"PERIOD": 6, "TURNED": 5, "HALF": 64, "BLOCK_H": 8},
        4,
        3,
    ),
    "_gate": ((WIDE, WIDE, COUNT, COUNT, COUNT), {"BLOCK": 1024}, 4, 3),
    "_gate_gradient": ((WIDE, WIDE, COUNT, COUNT, COUNT), {"BLOCK": 1024}, 4, 3),
}
"""The types of a kernel's arguments in its order, its constants, and its warps and stages."""
FROM_ADA = ("_quantise", 80)
"""8-bit floating point begins with Ada."""
HELPERS = {"_mixed", "_row_words", "_hashed", "_kept"}


def test_no_kernel_is_left_out() -> None:
    found = {name for name, value in vars(kernels).items() if isinstance(value, triton.JITFunction)}
    assert found == CALLS.keys() | HELPERS


@pytest.mark.parametrize(
    ("name", "capability"),
    [(name, capability) for name in CALLS for capability in (80, 90) if (name, capability) != FROM_ADA],
)
def test_a_kernel_compiles(
    name: str, capability: int, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel = getattr(kernels, name)
    types, constants, warps, stages = CALLS[name]
    given = iter(types)
    names = kernel.arg_names
    signature = {each: "constexpr" if each in constants else next(given) for each in names}
    assert next(given, None) is None
    source = ASTSource(
        fn=kernel,
        signature=signature,
        constexprs={(names.index(each),): value for each, value in constants.items()},
    )
    made = triton.compile(
        source,
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": warps, "num_stages": stages},
    )
    assert made.asm["cubin"].startswith(b"\x7fELF")
