"""The memory a training needs is told before it starts, close to what was measured."""

import json

import pytest

from tianji_core.training import default_settings
from tianji_core.training.memory import need_of, shape_of

SHAPE = {"hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336, "vocab_size": 92544}
SHAPE |= {"num_attention_heads": 32, "num_key_value_heads": 8}


@pytest.fixture
def shape(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(SHAPE))
    return shape_of(tmp_path)


@pytest.mark.parametrize(
    ("method", "batch", "checkpointing", "measured"),
    [("qlora", 1, True, 12.9), ("lora", 1, True, 36), ("lora", 4, True, 46), ("lora", 4, False, 122)],
)
def test_the_estimate_is_near_the_measured_peak(shape, method, batch, checkpointing, measured):
    settings = default_settings("internlm2-chat-7b-qlora").model_copy(update={"batch_size": batch})
    need = need_of(shape, settings, method, checkpointing)
    assert need.card / 1e9 == pytest.approx(measured, rel=0.06)


def test_splitting_over_cards_takes_less_of_each(shape):
    settings = default_settings("internlm2-chat-7b-full")
    alone, two = (
        need_of(shape, settings, "full"),
        need_of(shape, settings, "full", True, "deepspeed_zero3", 2),
    )
    assert two.card < 80e9 < alone.card
    assert need_of(shape, settings, "full", True, "deepspeed_zero3_offload", 2).card < two.card / 2


def test_a_folder_that_does_not_tell_its_shape_has_none(tmp_path):
    assert shape_of(tmp_path) is None
    (tmp_path / "config.json").write_text('{"hidden_size": 0, "num_attention_heads": 0}')
    assert shape_of(tmp_path) is None
