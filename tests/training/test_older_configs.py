"""Trainings and presets of older studios, whose configs name classes by the paths of that time.

``older_configs`` holds the configs of two such trainings as the trainer left them in the work folder, with
BASE, DATA and WORK in the place of paths.
"""

from pathlib import Path

import pytest

from tests.tiny_base import add_version, write_tiny_base
from tianji_core import jobs, models, training
from tianji_core.dataset import training_file
from tianji_core.project import PROJECT
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.launch import begin
from tianji_core.training.own_presets import save_preset
from tianji_core.workspace import Workspace

pytestmark = pytest.mark.training
OLDER = Path(__file__).with_name("older_configs")
OF_TODAY = "tianji_core.training.xtuner_engine"


@pytest.mark.parametrize(
    ("name", "key"), [("as_written", "nano-cpu-qlora"), ("with_a_profile", "nano-cpu-lora")]
)
def test_a_training_of_an_older_studio_resumes_and_converts(
    workspace: Workspace, tmp_path: Path, name: str, key: str
) -> None:
    base = write_tiny_base(tmp_path / "base")
    changes = {"base": str(base), "epochs": 2, "max_length": 256, "save_interval": 16, "eval_tokens": 4}
    settings, version = training.default_settings(key).model_copy(update=changes), add_version(workspace)
    run = training.prepare_training(workspace, key, settings, version)
    work = training.work_folder(workspace, run)
    config = (OLDER / f"{name}.txt").read_text(encoding="utf-8")
    for mark, path in (("BASE", base), ("DATA", training_file(workspace, version)), ("WORK", work)):
        config = config.replace(f"'{mark}'", repr(str(path)))
    assert OF_TODAY not in config and "'tianji_core.training." in config
    (work / "config.py").write_text(config, encoding="utf-8")
    assert training.preset_of(workspace, run).values["epochs"] == 2

    job = jobs.wait(workspace, begin(workspace, run).job_id or 0, 300)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    state = training.training_state(workspace, run)
    assert [each.iteration for each in state.checkpoints] == [10, 16, 20]  # the first pass ends at 10
    state.checkpoints[-1].path.unlink()

    run = training.resume_training(workspace, run)
    job = jobs.wait(workspace, run.job_id or 0, 300)
    assert job.state == "succeeded", jobs.log_tail(workspace, job.id)
    state = training.training_state(workspace, run)
    assert state.finished and OF_TODAY not in (training.written_config(workspace, run) or "")
    made = models.convert(workspace, run)
    assert (made.kind, made.checkpoint) == ("adapter", 20)


def test_a_preset_that_a_person_saved_in_an_older_studio_still_loads(workspace: Workspace) -> None:
    source = training.preset("nano-cpu-qlora").source
    older = source.replace(OF_TODAY, "tianji_core.training")
    assert older != source
    saved = save_preset(workspace, "以前的", older)
    assert OF_TODAY not in saved.source and saved.own


def test_a_script_that_a_person_kept_still_finds_the_trainer(workspace: Workspace) -> None:
    arguments = ["-m", "tianji_core.training.trainer", "--help"]
    ended = run_tool(arguments, tool_environment(workspace, "cpu"), lambda _line: None, PROJECT)
    assert ended.code == 0 and "--work-dir" in ended.tail
