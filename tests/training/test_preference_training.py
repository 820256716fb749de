"""Learning from preference pairs: the checks before it, and real trainings of the embedded base."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.preference_versions import add_merged, add_pairs
from tests.tiny_base import write_tiny_base
from tianji_core import models, training
from tianji_core.dataset.pairs import pair_version
from tianji_core.files import sha256
from tianji_core.models.nano import nano_base
from tianji_core.ownership import new_folder
from tianji_core.training import Preflight, Preset, TrainingSettings, engine
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.varied_data import training_data
from tianji_core.workspace import Workspace

BASE = "pretrained_model_name_or_path"
SHORT = {"eval_prompts": ["祝大舅生日"], "eval_tokens": 12, "save_interval": 100, "lora_r": 8}


def settings_of(key: str, workspace: Workspace, **changes: object) -> TrainingSettings:
    return training.default_settings(key, workspace).model_copy(update={"pairs": "口味", **SHORT, **changes})


@pytest.mark.training
def test_a_merged_model_learns_from_pairs_and_gives_an_adapter(workspace: Workspace) -> None:
    add_merged(workspace, nano_base())
    add_pairs(workspace, count=30)
    settings = settings_of("nano-cpu-orpo", workspace)
    assert settings.base == str(workspace.models / "学过的")  # what was merged last from the preset's base
    version = training.version_of_base(workspace, settings.base_folder)
    run = training.prepare_training(workspace, "nano-cpu-orpo", settings, version)
    folder = training.work_folder(workspace, run)
    ended = run_tool(engine.trainer_arguments(folder), tool_environment(workspace, "cpu"), lambda _line: None)
    assert ended.code == 0, ended.tail
    state = training.training_state(workspace, run)
    assert state.state == "succeeded" and training.record_of(run).pairs_sha256
    assert state.points and all(None not in (p.margin, p.accuracy, p.chosen_loss) for p in state.points)
    assert [one.iteration for one in state.pass_rates] == [0, state.total]
    adapter = models.convert(workspace, run)
    assert adapter.kind == "adapter" and adapter.base == settings.base_folder
    record, made = training.record_of(run), pair_version(workspace, "口味").manifest["train"]
    (learnt,) = adapter.pairs
    assert (learnt.version, learnt.sha256, learnt.count) == ("口味", made["sha256"], made["count"])
    assert record.pairs_count == made["count"] and made["sha256"] in models.read_card(adapter)


def found(workspace: Workspace, settings: TrainingSettings, key: str = "nano-cpu-dpo") -> Preflight:
    version = training.version_of_base(workspace, settings.base_folder)
    return training.preflight(workspace, training.preset(key), settings, version)


def test_pairs_are_counted_and_reckoned_before_the_training(workspace: Workspace, tmp_path) -> None:
    add_merged(workspace, write_tiny_base(tmp_path / "nano-base"))
    count = add_pairs(workspace).manifest["train"]["count"]
    checked = found(workspace, settings_of("nano-cpu-dpo", workspace))
    assert checked.ok and checked.estimate is not None and checked.need is not None
    assert (checked.estimate.samples, checked.estimate.iterations) == (count, -(-count // 4))
    assert checked.settings.warmup_ratio == 0  # shorter than two steps: it would never rise
    details = {check.title: check for check in checked.checks}
    assert details["偏好对"].level == "warn" and f"只有 {count} 对" in details["偏好对"].detail
    assert details["偏好训练的起点"].level == "pass" and f"{count} 对" in details["训练量"].detail
    twice = found(workspace, settings_of("nano-cpu-dpo", workspace, batch_size=8))
    assert twice.need is not None and twice.need.activations == pytest.approx(2 * checked.need.activations)


def test_what_cannot_be_learnt_from_is_said_in_one_sentence(workspace: Workspace, tmp_path) -> None:
    base = write_tiny_base(tmp_path / "nano-base")
    add_merged(workspace, base)
    made = add_pairs(workspace)
    version = training.version_of_base(workspace, workspace.models / "学过的")
    settings = settings_of("nano-cpu-dpo", workspace)

    def stops(changed: TrainingSettings, chosen: Preset) -> str:
        return "\n".join(c.detail for c in training.preflight(workspace, chosen, changed, version).stops)

    dpo = training.preset("nano-cpu-dpo")
    assert "请选一个偏好对版本" in stops(settings.model_copy(update={"pairs": ""}), dpo)
    assert "没有名叫“../x”" in stops(settings.model_copy(update={"pairs": "../x"}), dpo)
    assert "不学偏好对" in stops(settings, training.preset("nano-cpu-lora"))
    foreign = dpo.source.replace("beta=beta,", f"beta=beta, ref_llm=dict({BASE}='/other/model'),", 1)
    assert "/other/model 不是这个基座" in stops(settings, replace(dpo, source=foreign))
    itself = dpo.source.replace("beta=beta,", f"beta=beta, ref_llm=dict({BASE}={BASE}),", 1)
    assert stops(settings, replace(dpo, source=itself)) == ""
    learnt = json.loads((made.folder / "train.json").read_text(encoding="utf-8"))
    for changed, said in (
        (learnt[:5], "至少要 20 对"),
        ([{**learnt[0], "rejected": learnt[0]["chosen"]}], "回答一样"),
    ):
        frozen(made.folder, changed)
        assert said in stops(settings, dpo)
    untrained = training.preflight(workspace, dpo, settings.model_copy(update={"base": str(base)}), version)
    assert any(c.level == "warn" and "不是训练后合并出来的模型" in c.detail for c in untrained.checks)


def frozen(folder: Path, rows: list[dict[str, str]]) -> None:
    """Writes pairs that a version would not be frozen with, and their hash."""
    for name in ("train.json", "manifest.json"):
        (folder / name).chmod(0o600)
    (folder / "train.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["train"]["sha256"] = sha256(folder / "train.json")
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")


def test_the_distance_from_the_reference_is_in_nats_per_answer() -> None:
    """Against torch's own divergence, summed over the tokens of each answer."""
    import torch

    from tianji_core.training.xtuner_engine.preferences import divergence

    draw = torch.Generator().manual_seed(0)
    policy, reference = (torch.randn(2, 6, 11, generator=draw) for _ in range(2))
    mask = torch.tensor([[0, 1, 1, 1, 0, 1], [0, 0, 1, 0, 0, 1]], dtype=torch.bool)
    rows = [
        torch.nn.functional.kl_div(
            reference[row][counted].log_softmax(-1),
            policy[row][counted].log_softmax(-1),
            log_target=True,
            reduction="sum",
        )
        for row, counted in enumerate(torch.cat([mask[:, :-1], torch.zeros(2, 1, dtype=torch.bool)], 1))
    ]
    assert divergence(policy, reference, mask).item() == pytest.approx(sum(map(float, rows)) / 2, rel=1e-5)
    assert divergence(policy, policy, mask).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.training
def test_a_training_that_spoils_the_model_ends_early_with_the_weights_before(workspace: Workspace) -> None:
    """At this learning rate nothing that the embedded base writes passes any more."""
    add_merged(workspace, nano_base())
    add_pairs(workspace)
    settings = settings_of(
        "nano-cpu-dpo",
        workspace,
        learning_rate=0.5,
        warmup_ratio=0.0,
        accumulation=1,
        eval_interval=3,  # an iteration that is not logged by itself
        eval_tokens=40,
        batch_size=2,
    )
    folder = new_folder(workspace.runs / "spoilt")
    data = training_data(
        workspace, training.version_of_base(workspace, settings.base_folder), settings, folder
    )
    training.write_config(training.preset("nano-cpu-dpo"), settings, data, folder)
    ended = run_tool(engine.trainer_arguments(folder), tool_environment(workspace, "cpu"), lambda _line: None)
    assert ended.code == 0, ended.tail
    distances = [point.kl for point in engine.curve(folder) if point.kl is not None]
    assert distances and max(distances) > 0.5  # it went far from the model that it started from
    first, *_between, last = engine.pass_rates(folder)
    assert last.rate < first.rate - 0.01 and last.kept is not None and last.kept < last.iteration < 18
    assert engine.total_iterations(folder) == last.iteration  # which makes it finished
    weights = engine.checkpoint_weights(folder / f"iter_{last.iteration}.pth")
    grown = max(float(value.abs().max()) for name, value in weights.items() if "lora_B" in name)
    assert grown == 0 or last.kept > 0  # those from before the training, where nothing else was good
