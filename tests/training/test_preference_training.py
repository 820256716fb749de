"""Learning from preference pairs: the checks before it, and real trainings of the embedded base."""

import pytest

from tests.preference_versions import add_merged, add_pairs
from tianji_core import jobs, models, training
from tianji_core.models.nano import nano_base
from tianji_core.store import training as rows
from tianji_core.training import TrainingSettings
from tianji_core.workspace import Workspace

SHORT = {"eval_prompts": ["祝大舅生日"], "eval_tokens": 12, "save_interval": 100, "lora_r": 8}


def settings_of(key: str, workspace: Workspace, **changes: object) -> TrainingSettings:
    return training.default_settings(key, workspace).model_copy(update={"pairs": "口味", **SHORT, **changes})


@pytest.mark.training
def test_a_merged_model_learns_from_pairs_and_is_merged_again(workspace: Workspace) -> None:
    add_merged(workspace, nano_base())
    add_pairs(workspace)
    settings = settings_of("nano-cpu-orpo", workspace)
    assert settings.base == str(workspace.models / "学过的")  # what was merged last from the preset's base
    version = training.version_of_base(workspace, settings.base_folder)
    run = training.start_training(workspace, "nano-cpu-orpo", settings, version)
    job = jobs.wait(workspace, run.job_id, 900)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    run = rows.get(workspace.engine, run.id)
    state = training.training_state(workspace, run)
    assert state.points and all(None not in (p.margin, p.accuracy, p.chosen_loss) for p in state.points)
    assert [one.iteration for one in state.pass_rates] == [0, state.total]
    assert training.record_of(run).pairs_sha256
    _adapter, merged = models.convert_and_merge(workspace, run)
    assert merged.kind == "merged" and merged.base == settings.base_folder
