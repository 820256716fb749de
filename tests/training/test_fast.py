"""What a profile computes differently leaves the loss and every gradient of a training as they are."""

import pytest

from tests.tiny_base import write_tiny_base

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

    from tianji_core.training.cpu import SupervisedFinetune
    from tianji_core.training.fast import FastFinetune, answer_loss

    monkeypatch.setattr(answer_loss, "CHUNK", 32)  # several chunks, the last one not full
    base = write_tiny_base(tmp_path / "base", model_type="qwen2")
    value, gradients = learnt(finetune(SupervisedFinetune, base, targets), packs)
    for share in (0.0, 0.5, 1.0):
        fast_value, fast = learnt(finetune(FastFinetune, base, targets, checkpointed=share), packs)
        assert fast_value == pytest.approx(value, rel=1e-6)
        assert fast.keys() == gradients.keys()
        for name, gradient in gradients.items():
            assert gradient.abs().max() > 0, name
            torch.testing.assert_close(fast[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


def test_the_gradient_of_a_trained_head_is_right_and_a_pack_without_answers_costs_nothing():
    import torch
    from torch.nn import functional

    from tianji_core.training.fast.answer_loss import answer_loss

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

    from tianji_core.training.fast.lora import fuse_lora

    class Single(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.only = torch.nn.Linear(32, 24)

        def forward(self, x):
            return self.only(x)

    torch.manual_seed(0)
    model = get_peft_model(Single(), LoraConfig(r=4, lora_dropout=0.5, target_modules=["only"])).double()
    model.base_model.model.only.lora_B["default"].weight.data.normal_()
    assert fuse_lora(model) == 1
    x = torch.randn(6, 32, dtype=torch.double, requires_grad=True)

    def same_mask(*_changing):
        torch.manual_seed(3)
        return model(x)

    weights = [each for each in model.parameters() if each.requires_grad]
    assert len(weights) == 2
    torch.autograd.gradcheck(same_mask, (x, *weights), eps=1e-6, atol=1e-6)
