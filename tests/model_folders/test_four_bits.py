"""Weights of four bits are unpacked with the scales of their own blocks, whatever the width of a matrix."""

import json
import os
import subprocess
import sys
from ctypes import c_longlong
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tianji_core.models.nano import nano_base

pytestmark = pytest.mark.training

SHAPES = [(320, 864), (320, 320), (864, 320), (5, 70), (7, 33), (3, 96), (2, 16), (1, 48)]
UNPACK = """
import json, sys
import torch
from tianji_core.model_folders.quick_imports import import_bitsandbytes
if sys.argv[1] == "ours":
    import_bitsandbytes()
import bitsandbytes.functional as functional

torch.manual_seed(0)
told = {}
for shape in json.loads(sys.argv[2]):
    for kind in ("nf4", "fp4"):
        weight = torch.randn(*shape)
        packed, state = functional.quantize_4bit(weight, quant_type=kind)
        found = functional.dequantize_4bit(packed, state).flatten()
        # the largest number of a block is kept as it is, so each block tells its own scale
        blocks = torch.nn.functional.pad(weight.flatten(), (0, -weight.numel() % 64)).view(-1, 64)
        read = torch.nn.functional.pad(found, (0, -weight.numel() % 64)).view(-1, 64)
        places = blocks.abs().argmax(1, keepdim=True)
        off = (blocks.gather(1, places) - read.gather(1, places)).abs().max().item()
        told[f"{shape} {kind}"] = off
print("RESULT " + json.dumps(told))
"""
LOSS = """
import json, sys
import torch
from tianji_core.model_folders.quick_imports import import_bitsandbytes
import_bitsandbytes()
from bitsandbytes.functional import get_4bit_type
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

def rounded(weight):
    blocks = weight.reshape(-1, 64)
    most = blocks.abs().amax(1, keepdim=True)
    code = get_4bit_type("nf4", device="cpu")
    nearest = (blocks / most).unsqueeze(-1).sub(code).abs().argmin(-1)
    return (code[nearest] * most).view_as(weight)

options = dict(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32)
packed = AutoModelForCausalLM.from_pretrained(
    sys.argv[1], torch_dtype=torch.float32, quantization_config=BitsAndBytesConfig(**options)
).eval()
plain = AutoModelForCausalLM.from_pretrained(sys.argv[1], torch_dtype=torch.float32).eval()
with torch.no_grad():
    for name, part in plain.named_modules():
        if name.endswith("_proj"):
            part.weight.copy_(rounded(part.weight))
    torch.manual_seed(0)
    ids = torch.randint(20, plain.config.vocab_size, (2, 40))
    answered = packed(input_ids=ids).logits
    expected, embedded = plain(input_ids=ids).logits, packed.get_input_embeddings()(ids)
learning = packed.train()(inputs_embeds=embedded.requires_grad_(True)).logits
gradient, = torch.autograd.grad(learning.square().mean(), embedded)
wanted, = torch.autograd.grad(plain(inputs_embeds=embedded).logits.square().mean(), embedded)
pairs = ((answered, expected), (learning, expected), (gradient, wanted))
print("RESULT " + json.dumps([((one - other).norm() / other.norm()).item() for one, other in pairs]))
"""


def told_by(program: str, *arguments: str) -> Any:
    """What a program in a process of its own, without a card, prints after RESULT."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", program, *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.rpartition("RESULT ")[2])


def test_each_block_is_unpacked_with_its_own_scale() -> None:
    found = told_by(UNPACK, "ours", json.dumps(SHAPES))
    assert len(found) == 2 * len(SHAPES)
    assert max(found.values()) < 1e-6, found


def test_bitsandbytes_itself_takes_the_scales_of_other_blocks() -> None:
    """Fails when bitsandbytes no longer does so where there is AVX512: then the module can go."""
    import torch

    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        pytest.skip("without AVX512 it takes the right ones")
    found = told_by(UNPACK, "theirs", json.dumps([(320, 320), (320, 864)]))
    assert found["[320, 320] nf4"] < 1e-6 < 0.1 < found["[320, 864] nf4"]


def test_the_embedded_base_in_four_bits_answers_and_learns_as_one_rounded_by_hand() -> None:
    found = told_by(LOSS, str(nano_base()))
    assert len(found) == 3 and max(found) < 0.01, found  # with the scales of other blocks 0.3 and more


@given(st.integers(1, 200), st.integers(1, 500).map(lambda half: 2 * half), st.sampled_from([32, 64, 128]))
@example(320, 864, 64)
def test_the_library_is_never_asked_for_rows_that_share_a_block(rows: int, width: int, block: int) -> None:
    from tianji_core.model_folders.four_bits import _Blockwise

    asked: list[tuple[int, int]] = []

    class Library:
        def cdequantize_blockwise_cpu_nf4_fp32(self, *values: Any) -> None:
            asked.append((values[4].value, values[5].value))

    numbers = (c_longlong(block), c_longlong(rows), c_longlong(width))
    _Blockwise(Library()).cdequantize_blockwise_cpu_nf4_fp32(None, None, None, *numbers)
    ((told_rows, told_width),) = asked
    assert told_rows * told_width == rows * width
    assert told_width % block == 0 or told_rows == 1
    assert (told_rows, told_width) == (rows, width) or width % block
