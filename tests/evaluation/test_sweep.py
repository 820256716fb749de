"""A sweep over the checkpoints of a training, from one base in memory."""

import json
import math

import pytest

from tests.checkpoints import add_training
from tests.tiny_base import SYSTEM
from tianji_core import jobs
from tianji_core.errors import JobError, ModelError, PlanError
from tianji_core.evaluation.sweep import SweepPlan, SweepPoint, best_point, load_sweep, start_sweep
from tianji_core.evaluation.sweep.results import Sweep, save_sweep
from tianji_core.store import datasets
from tianji_core.training.engine import checkpoint_weights
from tianji_core.workspace import Workspace


def point(iteration: int, passed: float, perplexity: float | None = None, copied: float = 0.0) -> SweepPoint:
    return SweepPoint(
        iteration=iteration,
        count=50,
        passed=passed,
        low=passed - 0.1,
        high=passed + 0.1,
        copied=copied,
        perplexity=perplexity,
        tokens=1,
        seconds=1.0,
    )


def test_the_place_to_stop_is_the_least_surprised_of_those_that_do_equally_well() -> None:
    assert best_point([point(0, 0.99)]) is None
    assert best_point([point(100, 0.5), point(200, 0.9), point(300, 0.85)]).iteration == 200
    measured = [point(0, 0.0, 1.0), point(100, 0.85, 2.0), point(200, 0.9, 2.5), point(300, 0.4, 1.5)]
    assert best_point(measured).iteration == 100
    assert best_point([point(100, 0.9, None, 0.4), point(200, 0.88, None, 0.1)]).iteration == 200


def test_every_checkpoint_is_measured_once_and_a_stopped_sweep_goes_on(
    workspace: Workspace, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run = add_training(workspace, tmp_path / "base", {10: 0.0, 20: 0.5})
    version = datasets.get(workspace.engine, run.dataset_version_id)
    folder = workspace.home / version.folder
    turn = {"system": SYSTEM, "input": "祝妹妹生日", "output": "祝妹妹生日快乐！"}
    (folder / "val.json").write_text(json.dumps([{"conversation": [turn]}] * 3), encoding="utf-8")
    _hold_back(workspace, version.id, {"file": "val.json", "count": 3})
    plan = SweepPlan(run_id=run.id, recipe="wishes", revision=1, styles=("正常",), limit=2, texts=3)
    earlier = Sweep(plan=plan).with_point(point(0, 0.25, 99.0))
    save_sweep(workspace, earlier)

    job = jobs.wait(workspace, start_sweep(workspace, plan).id, 120)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    before, same, other = load_sweep(workspace, run.id).points
    assert before == earlier.points[0]  # was not measured again
    assert (same.iteration, other.iteration) == (10, 20)
    assert same.count == 2 and same.tokens == other.tokens == 3 * (len(turn["output"]) + 1)
    assert same.perplexity == pytest.approx(
        _perplexity(tmp_path / "base", turn), rel=1e-4
    )  # matrices of zeros
    assert other.perplexity != pytest.approx(same.perplexity, rel=1e-3)
    progress = jobs.read_progress(workspace, job.id)
    assert (progress.done, progress.total) == (10, 10)
    with pytest.raises(JobError, match="都扫描过了"):
        start_sweep(workspace, plan)
    with pytest.raises(PlanError, match="火星文"):
        start_sweep(workspace, plan.model_copy(update={"styles": ("火星文",)}))

    torn = tmp_path / "iter_30.pth"
    torn.write_bytes(b"torn")
    with pytest.raises(ModelError, match="读不了检查点"):
        checkpoint_weights(torn)
    for path in (workspace.home / run.work_dir).glob("*.pth"):
        path.unlink()
    with pytest.raises(ModelError, match="还没有检查点"):
        start_sweep(workspace, plan)


def _hold_back(workspace: Workspace, version_id: int, held: dict) -> None:
    from sqlalchemy import update

    from tianji_core.store.database import writing
    from tianji_core.store.schema import dataset_versions

    with writing(workspace.engine) as connection:
        connection.execute(
            update(dataset_versions)
            .where(dataset_versions.c.id == version_id)
            .values(manifest={"validation": held})
        )


def _perplexity(base, turn: dict[str, str]) -> float:
    """What transformers' own loss says about one text."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base)
    asked = (
        f"<s><|im_start|>system\n{turn['system']}<|im_end|>\n<|im_start|>user\n{turn['input']}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    head = tokenizer.encode(asked, add_special_tokens=False)
    said = tokenizer.encode(f"{turn['output']}<|im_end|>", add_special_tokens=False)
    ids = torch.tensor([head + said])
    labels = torch.tensor([[-100] * len(head) + said])
    with torch.inference_mode():
        return math.exp(float(model(input_ids=ids, labels=labels).loss))
