"""What a profile computes differently leaves the loss and every gradient of a training as they are."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_base import write_tiny_base

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.training


def finetune(cls, base, targets=None, **options):
    """A fine-tuning of a tiny base without dropout whose LoRA matrices are not zero."""
    import torch
    from mmengine.config import ConfigDict
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    llm = ConfigDict(
        type=AutoModelForCausalLM.from_pretrained,
        pretrained_model_name_or_path=str(base),
        torch_dtype=torch.float32,
    )
    lora = ConfigDict(
        type=LoraConfig,
        r=8,
        lora_alpha=16,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
        target_modules=targets,
    )
    made = cls(llm=llm, lora=lora, **options)
    torch.manual_seed(1)
    for parameter in made.parameters():
        if parameter.requires_grad:
            parameter.data.normal_(0, 0.05)
    return made.train()


def learnt(made, data):
    """The loss of a micro-batch and the gradient of each LoRA matrix."""
    loss = made(dict(data), mode="loss")["loss"]
    loss.backward()
    return loss.item(), {name: each.grad for name, each in made.named_parameters() if each.requires_grad}


@pytest.fixture(scope="module")
def packs():
    """Two full packs; every other answer has no label."""
    import torch

    torch.manual_seed(2)
    words = torch.randint(0, 60, (2, 64))
    labels = words.clone()
    labels[:, :20] = labels[0, 30:40] = -100
    places = torch.arange(64)[None].repeat(2, 1)
    full = torch.ones_like(words).bool()
    return {"input_ids": words, "labels": labels, "attention_mask": full, "position_ids": places}


@pytest.mark.parametrize("targets", [None, ["q_proj", "down_proj", "lm_head"]], ids=["layers", "head-too"])
def test_fused_loss_and_lora_have_the_value_and_gradients_of_the_plain_ones(
    tmp_path, packs, targets, monkeypatch
):
    import torch

    from tianji_core.training.arithmetic import answer_loss
    from tianji_core.training.xtuner_engine.cpu import SupervisedFinetune
    from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune

    monkeypatch.setattr(answer_loss, "CHUNK", 32)  # several chunks, the last one not full
    base = write_tiny_base(tmp_path / "base", model_type="qwen2")
    value, gradients = learnt(finetune(SupervisedFinetune, base, targets), packs)
    for share in (0.0, 0.5, 1.0):
        made = finetune(FastFinetune, base, targets, checkpointed=share)
        blocks = 0 if targets else len(made.llm.get_base_model().model.layers)
        assert (made._fused.counts["attention"], made._fused.counts["mlp"]) == (blocks, blocks)
        fast_value, fast = learnt(made, packs)
        assert fast_value == pytest.approx(value, rel=1e-6)
        assert fast.keys() == gradients.keys()
        for name, gradient in gradients.items():
            assert gradient.abs().max() > 0, name
            torch.testing.assert_close(fast[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


def test_the_gradient_of_a_trained_head_is_right_and_a_pack_without_answers_costs_nothing():
    import torch
    from torch.nn import functional

    from tianji_core.training.arithmetic.answer_loss import answer_loss

    torch.manual_seed(0)
    head = torch.nn.Linear(16, 50, bias=False)
    hidden = torch.randn(2, 9, 16, requires_grad=True)
    labels = torch.randint(0, 50, (2, 9))
    labels[0, :4] = -100
    plain = functional.cross_entropy(head(hidden)[:, :-1].reshape(-1, 50), labels[:, 1:].reshape(-1))
    wanted = torch.autograd.grad(plain, [hidden, head.weight])
    found = torch.autograd.grad(answer_loss(hidden, head, labels), [hidden, head.weight])
    for left, right in zip(wanted, found, strict=True):
        torch.testing.assert_close(right, left)
    nothing = answer_loss(hidden, head, torch.full_like(labels, -100))
    assert nothing.item() == 0  # a micro-batch without answers, where a plain mean is NaN


def test_dropout_of_the_fused_layer_falls_on_what_its_gradient_leaves_out():
    import torch
    from peft import LoraConfig, get_peft_model

    from tianji_core.training.arithmetic.lora import fuse_lora

    class Single(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.only = torch.nn.Linear(32, 24)

        def forward(self, x):
            return self.only(x)

    torch.manual_seed(0)
    model = get_peft_model(Single(), LoraConfig(r=4, lora_dropout=0.5, target_modules=["only"])).double()
    model.base_model.model.only.lora_B["default"].weight.data.normal_()
    fused = fuse_lora(model)
    assert fused.counts == {"attention": 0, "mlp": 0, "layer": 1}
    x = torch.randn(6, 32, dtype=torch.double, requires_grad=True)

    def same_mask(*_changing):
        torch.manual_seed(3)
        fused.begin(True, refresh=True)
        return model(x)

    weights = [each for each in model.parameters() if each.requires_grad]
    assert len(weights) == 2
    torch.autograd.gradcheck(same_mask, (x, *weights), eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["torch", "fused", "deepspeed"])
def test_an_adapter_changed_by_a_step_is_used_in_the_next_one(tmp_path, packs, monkeypatch, optimizer):
    import torch

    from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune

    made = finetune(FastFinetune, write_tiny_base(tmp_path / "base", model_type="llama"))
    first = learnt(made, packs)[0]
    matrices = [each for each in made.parameters() if each.requires_grad]
    if optimizer == "torch":
        torch.optim.SGD(matrices, lr=0.5).step()
    elif optimizer == "fused":  # as on a card; it does not count in the versions of the matrices
        torch.optim.AdamW(matrices, lr=0.01, fused=True).step()
    else:  # DeepSpeed writes through ``data``, which PyTorch does not count
        monkeypatch.setitem(sys.modules, "deepspeed", torch)
        for matrix in matrices:
            matrix.data.sub_(matrix.grad, alpha=0.5)
    with torch.no_grad():
        assert made(dict(packs), mode="loss")["loss"].item() < first


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
@pytest.mark.parametrize("off", ["", "fused_attention", "fused_mlp,fused_attention", "gqa"])
def test_dropout_falls_on_the_same_elements_forward_and_backward(tmp_path, packs, monkeypatch, kind, off):
    """The slope along a random direction of all LoRA matrices equals the difference of two losses under one
    seed."""
    import torch

    from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune

    monkeypatch.setenv("TIANJI_FAST_OFF", off)
    made = finetune(
        FastFinetune, write_tiny_base(tmp_path / "base", model_type=kind), checkpointed=0.5
    ).double()
    monkeypatch.setitem(sys.modules, "deepspeed", torch)  # the matrices are changed through ``data`` below
    for module in made.modules():
        for dropout in getattr(module, "lora_dropout", {}).values():
            dropout.p = 0.4
    for group in made._fused.groups:
        group.rates = [0.4] * len(group.rates)
    matrices = [each for each in made.parameters() if each.requires_grad]
    directions = [torch.randn_like(each) for each in matrices]

    def loss(step):
        for matrix, direction in zip(matrices, directions, strict=True):
            matrix.data.add_(direction, alpha=step)
        torch.manual_seed(3)
        value = made(dict(packs), mode="loss")["loss"]
        for matrix, direction in zip(matrices, directions, strict=True):
            matrix.data.sub_(direction, alpha=step)
        return value

    grads = torch.autograd.grad(loss(0.0), matrices)
    slope = sum((grad * direction).sum().item() for grad, direction in zip(grads, directions, strict=True))
    with torch.no_grad():
        difference = (loss(1e-3) - loss(-1e-3)).item() / 2e-3
    assert slope == pytest.approx(difference, rel=5e-3)


@pytest.mark.parametrize("off", ["", "fused_attention"])
def test_full_packs_reach_the_causal_kernel_and_padded_rows_the_masked_one(tmp_path, packs, monkeypatch, off):
    import torch
    from torch.nn import functional

    from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune

    monkeypatch.setenv("TIANJI_FAST_OFF", off)
    made = finetune(FastFinetune, write_tiny_base(tmp_path / "base", model_type="llama"))
    asked, usual = [], functional.scaled_dot_product_attention

    def recorded(*values, **options):
        asked.append((options.get("attn_mask"), options.get("is_causal")))
        return usual(*values, **options)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", recorded)
    learnt(made, packs)
    assert asked and all(mask is None and causal for mask, causal in asked)
    asked.clear()
    padded = {**packs, "attention_mask": packs["attention_mask"].clone()}
    padded["attention_mask"][1, 50:] = False
    learnt(made, padded)
    assert asked and all(isinstance(mask, torch.Tensor) for mask, _causal in asked)


KERNELS = """
import numpy, torch, triton.runtime.interpreter as interpreter
usual = interpreter._patch_lang_tensor
def patched(tensor):  # numpy no longer turns an array of one element into a number
    usual(tensor)
    tensor.__index__ = lambda self: int(self.handle.data.item())
interpreter._patch_lang_tensor = patched
from tianji_core.training.arithmetic import elementwise, hashing, triton_kernels as kernels
torch.manual_seed(0)
close = lambda left, right: torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-4)
for rows, width, rank, rate in [(70, 136, 24, 0.3), (70, 136, 24, 0.0), (1100, 40, 8, 0.1)]:
    chosen = hashing.Dropout(rate, 2**31 - 2)
    mask = hashing.kept(rows, width, rate, chosen.seed) / (1 - rate)
    x, down, low = torch.randn(rows, width), torch.randn(rank, width), torch.randn(rows, rank)
    wide = torch.zeros(rows, width + rank)
    kernels.thin_product(x, down, chosen, wide[:, width:], wide[:, :width])
    close(wide, torch.cat([x, (x * mask) @ down.t()], 1))
    close(kernels.down_gradient(low, x, chosen), low.t() @ (x * mask))
    grad = torch.randn(rows, width)
    expected = grad + mask * (low @ down)
    kernels.add_input_gradient(grad, low, down, chosen, grad)
    close(grad, expected)
angles = torch.randn(6, 8).repeat(1, 2)
for turned in ((5, 4), (4, 3)):
    left = torch.randn(12, 20, 16)
    right = left.clone()
    kernels.rotate(left, angles.cos(), angles.sin(), turned, 1.0)
    elementwise.rotate(right, angles.cos(), angles.sin(), turned)
    close(left, right)
both, grad = torch.randn(9, 60), torch.randn(9, 30)
products = [torch.empty(9, 40)[:, :30], torch.empty(9, 30)]
kernels.gate(both, products[0])
elementwise.gate(both, products[1])
close(*products)
copies = both.clone(), grad.clone()
kernels.gate_gradient(both, grad)
elementwise.gate_gradient(*copies)
close(both, copies[0])
close(grad, copies[1])
close(grad, products[1])
low, factor = torch.randn(70, 24), torch.randn(40, 24)  # the interpreter multiplies bfloat16 wrongly
left = torch.randn(70, 60).bfloat16()
left[3, 7], left[4, 8], left[5, 9] = float("nan"), float("inf"), -float("inf")
right = left.clone()
kernels.add_product(left[:, 5:45], low, factor, 2**31 - 3)
elementwise.add_product(right[:, 5:45], low, factor, 2**31 - 3)
assert left[3, 7].isnan() and left[4, 8] == float("inf") and left[5, 9] == -float("inf")
assert (left == right).float().mean() > 0.99  # where the order of a sum differs, so may the rounding
torch.testing.assert_close(left, right, rtol=2**-7, atol=2**-7, equal_nan=True)
print("equal")
"""


def test_the_kernels_of_a_card_compute_what_pytorch_does():
    """Triton's own interpreter runs them without a card."""
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [sys.executable, "-c", KERNELS], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert answer.stdout.strip().endswith("equal"), answer.stderr[-3000:]


def test_a_hashed_mask_keeps_its_share_and_differs_by_seed():
    from tianji_core.training.arithmetic.hashing import kept

    first, second = kept(500, 400, 0.1, 1), kept(500, 400, 0.1, 2)
    for mask in (first, second, first[:, :50], first[::7]):
        assert mask.float().mean().item() == pytest.approx(0.9, abs=0.005 if mask.numel() > 1e5 else 0.01)
    agree = (first == second).float().mean().item()
    assert agree == pytest.approx(0.82, abs=0.01)  # 0.9² + 0.1²: as two independent masks do
    rows = (~first).float()
    assert (rows[:-1] * rows[1:]).mean().item() == pytest.approx(0.01, abs=0.002)


def test_a_float8_base_learns_in_the_direction_of_the_plain_one_and_answers_in_evaluation(tmp_path, packs):
    import torch

    from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune

    base = write_tiny_base(tmp_path / "base", model_type="llama")
    plain, eight = (finetune(FastFinetune, base, float8=kind).bfloat16() for kind in (False, True))
    (value, gradients), (value8, gradients8) = learnt(plain, packs), learnt(eight, packs)
    assert value8 == pytest.approx(value, rel=0.02)
    left, right = (
        torch.cat([g.flatten().float() for g in each.values()]) for each in (gradients, gradients8)
    )
    assert torch.nn.functional.cosine_similarity(left, right, dim=0) > 0.98
    layers = [group.bases[0] for group in eight._fused.groups]
    assert all(layer.weight.numel() == 0 for layer in layers)  # nothing is kept twice
    words = {key: packs[key] for key in ("input_ids", "attention_mask")}
    with torch.no_grad():
        answers = [each.eval().llm(**words).logits.float() for each in (plain, eight)]
    assert torch.nn.functional.cosine_similarity(answers[0].flatten(), answers[1].flatten(), dim=0) > 0.98


def test_rounding_by_chance_keeps_the_mean_and_what_is_no_number():
    import torch

    from tianji_core.training.arithmetic.hashing import rounded

    values = torch.full((400, 300), 1 + 2.0**-10)  # an eighth of the grain above 1
    up = rounded(values, 1).float()
    assert set(up.unique().tolist()) == {1.0, 1 + 2.0**-7}
    assert up.mean().item() == pytest.approx(1 + 2.0**-10, abs=3e-5)
    assert not torch.equal(up, rounded(values, 2).float())
    broken = torch.tensor([[0x7FFFFFFF, 0x7F800000, -0x800000]], dtype=torch.int32).view(torch.float32)
    kept = rounded(broken.expand(50, 3), 123)
    assert kept[:, 0].isnan().all()
    assert (kept[:, 1] == float("inf")).all() and (kept[:, 2] == -float("inf")).all()


@pytest.mark.parametrize("kind", ["float8", "four bits", "whole"])
def test_what_an_adapter_learns_first_is_not_lost_beside_the_bases_product(kind):
    """One step of 2e-4 changes most results by less than half of bfloat16's grain."""
    import bitsandbytes
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from tianji_core.training.arithmetic.dropout import new_dropout
    from tianji_core.training.arithmetic.group import LoraGroup

    torch.manual_seed(0)
    layer: Any = torch.nn.Linear(256, 192, bias=False)
    if kind == "four bits":
        weight = layer.weight.detach().bfloat16()
        layer = bitsandbytes.nn.Linear4bit(256, 192, bias=False, quant_type="nf4")
        packed: Any = bitsandbytes.nn.Params4bit
        layer.weight = packed(weight, quant_type="nf4", requires_grad=False).to("cpu")
        layer.compute_dtype = torch.bfloat16
    else:
        layer = layer.bfloat16()
    config = LoraConfig(r=16, lora_alpha=4, target_modules=["0"])
    adapted = inject_adapter_in_model(config, torch.nn.Sequential(layer))[0]
    group = LoraGroup([adapted], float8=kind == "float8")
    group.prepare()
    x = torch.randn(512, 256).bfloat16()
    before = group.forward(x, new_dropout(0.0))[0].float()
    up = group.ups[0].weight
    up.data.copy_(torch.randn_like(up).sign() * 2e-4)
    group.outdated = True
    added = group.forward(x, new_dropout(0.0))[0].float() - before
    wanted = (x.float() @ group.downs[0].weight.float().t()) @ up.float().t() * group.scalings[0]
    grain = 2.0**-8 * before.abs().mean()
    assert wanted.abs().mean() < grain / 8
    assert ((added * wanted).sum() / wanted.square().sum()).item() == pytest.approx(1, abs=0.1)


def test_every_switch_is_read_and_a_wrong_name_is_an_error(monkeypatch):
    from tianji_core.training.arithmetic import switches

    sources = "".join(path.read_text() for path in (ROOT / "tianji_core/training").rglob("*.py"))
    assert all(f'switches.on("{name}")' in sources for name in switches.NAMES)
    with pytest.raises(KeyError):
        switches.on("faster")
    monkeypatch.setenv("TIANJI_FAST_OFF", "all")
    assert not any(map(switches.on, switches.NAMES))


def test_weights_in_four_bits_are_unpacked_together_as_bitsandbytes_unpacks_them():
    import bitsandbytes
    import torch
    from bitsandbytes.functional import dequantize_4bit

    from tianji_core.training.arithmetic.packed import PackedWeights

    torch.manual_seed(0)
    matrices = [torch.randn(rows, 128) for rows in (64, 32, 96)]
    packed: Any = bitsandbytes.nn.Params4bit
    weights = [packed(matrix, quant_type="nf4", compress_statistics=True).to("cpu") for matrix in matrices]
    singly = torch.cat([dequantize_4bit(weight.data, weight.quant_state) for weight in weights])
    assert PackedWeights.joins(weights)
    joined = PackedWeights(weights)
    torch.testing.assert_close(joined.unpacked(), singly, rtol=0, atol=0)
    again = torch.cat([dequantize_4bit(weight.data, weight.quant_state) for weight in weights])
    torch.testing.assert_close(again, singly, rtol=0, atol=0)  # the layers' own weights are still theirs
