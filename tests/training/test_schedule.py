"""The learning rate under a profile: counted in optimizer steps, whatever the micro-batches."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS

from tianji_core.training import default_settings, preset, rendered_config
from tianji_core.training.profiles import adapted, profile
from tianji_core.training.xtuner_engine.schedule import StepCosineLR

PRESET = "internlm2-chat-7b-qlora"


def built(
    packs: int, micro: int, accumulation: int, warmup: float
) -> tuple[torch.optim.Optimizer, StepCosineLR]:
    """A schedule over two epochs of so many packs, as the config under a profile builds it."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-4)
    wanted = {
        "type": StepCosineLR,
        "accumulation": accumulation,
        "warmup_ratio": warmup,
        "by_epoch": True,
        "end": 2,
        "convert_to_iter_based": True,
    }
    given = {"optimizer": optimizer, "epoch_length": packs // micro}
    return optimizer, PARAM_SCHEDULERS.build(wanted, default_args=given)


def rates(packs: int, micro: int, accumulation: int, warmup: float) -> list[float]:
    """The rate of each optimizer step; it must be that of all micro-batches of the step."""
    optimizer, schedule = built(packs, micro, accumulation, warmup)
    found = []
    for _step in range(2 * packs // (micro * accumulation)):
        within = []
        for _micro in range(accumulation):
            within.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        assert len(set(within)) == 1
        found.append(within[0])
    return found


@pytest.mark.parametrize("warmup", [0.0, 0.03, 0.2])
def test_equal_steps_of_equal_tokens_have_equal_rates_whatever_the_micro_batch(warmup):
    one_by_one = rates(80, 1, 16, warmup)
    assert one_by_one == pytest.approx(rates(80, 8, 2, warmup))
    assert one_by_one == pytest.approx(rates(80, 16, 1, warmup))
    assert len(one_by_one) == 10 and max(one_by_one) <= 2e-4
    if not warmup:  # transformers' cosine, with which other trainers count
        half = torch.cos(torch.arange(10) * torch.pi / 10).add(1).div(2)
        assert one_by_one == pytest.approx((2e-4 * half).tolist(), rel=1e-5)
    if warmup == 0.2:  # two of ten steps rise to the full rate, which the third has
        assert one_by_one[:3] == pytest.approx([2e-4 / 3, 4e-4 / 3, 2e-4])


def test_a_training_stopped_within_a_step_goes_on_with_the_same_rates():
    optimizer, schedule = built(80, 1, 16, 0.1)
    for _micro in range(37):
        optimizer.step()
        schedule.step()
    again, resumed = built(80, 1, 16, 0.1)
    resumed.load_state_dict(schedule.state_dict())
    for _micro in range(60):
        optimizer.step(), schedule.step()
        again.step(), resumed.step()
        assert again.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]


def test_every_profile_counts_in_steps_and_a_preset_as_written_stays_as_it_is():
    chosen, settings = preset(PRESET), default_settings(PRESET)
    assert "StepCosineLR" not in rendered_config(chosen, settings, Path("t"))
    for key in ("96gb", "24gb", "16gb-fp16"):
        assert "StepCosineLR" in rendered_config(chosen, adapted(settings, profile(key)), Path("t"))
