"""What a model of transformers computes stays the same with the attention and the kernels of the server."""

import sys
from types import SimpleNamespace

import pytest
import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from tianji_core.serving.attention import grouped_attention
from tianji_core.training.arithmetic.blocks import gated
from tianji_core.training.arithmetic.kernels import compiles


@pytest.mark.parametrize("width", [12, 8])
def test_values_may_be_narrower_than_queries(width: int) -> None:
    """As in the latent attention of DeepSeek-V3, where values have 128 columns and queries 192."""
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 4, 1, 12), torch.randn(3, 2, 5, 12), torch.randn(3, 2, 5, width)
    mask = torch.zeros(3, 1, 1, 5)
    mask[1, ..., 3:] = torch.finfo(mask.dtype).min
    module = SimpleNamespace(num_key_value_groups=2, is_causal=True)
    usual, _weights = sdpa_attention_forward(module, query, key, value, mask, scaling=0.3)
    found, _weights = grouped_attention(module, query, key, value, mask, scaling=0.3)
    assert found.shape == (3, 1, 4, width)
    assert torch.allclose(found, usual, atol=1e-6)


def test_only_an_mlp_without_further_steps_is_replaced() -> None:
    """Falcon-H1 multiplies by two numbers, BitNet has a norm before its last product."""
    from transformers import BitNetConfig, FalconH1Config, LlamaConfig
    from transformers.models.bitnet.modeling_bitnet import BitNetMLP
    from transformers.models.falcon_h1.modeling_falcon_h1 import FalconH1MLP
    from transformers.models.llama.modeling_llama import LlamaMLP

    sizes = {"hidden_size": 8, "intermediate_size": 16, "hidden_act": "silu"}
    assert gated(LlamaMLP(LlamaConfig(**sizes))) == ("gate_proj", "up_proj", "down_proj")
    assert gated(FalconH1MLP(FalconH1Config(**sizes, mlp_multipliers=[0.5, 2.0]))) is None
    assert gated(BitNetMLP(BitNetConfig(**sizes))) is None


def test_kernels_that_cannot_be_used_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An installation that is there but broken; a compiler that Triton does not find ends the same way."""
    monkeypatch.setitem(sys.modules, "liger_kernel.ops", None)
    assert not compiles(torch.device("cpu"), torch.bfloat16)
    assert "Liger's kernels are off" in capsys.readouterr().out
