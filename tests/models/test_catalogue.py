"""Only complete models are listed, and a deleted one comes back."""

import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from tests.tiny_base import add_version, write_tiny_base
from tianji_core import jobs, models, training
from tianji_core.errors import ModelError
from tianji_core.model_folders.manifest import Artefact, write_artefact
from tianji_core.models.catalogue import free_name, making, ready_first
from tianji_core.ownership import new_folder
from tianji_core.store import training as rows
from tianji_core.training.launch import TrainingSubject


@pytest.fixture
def base(workspace, tmp_path):
    return models.register_folder(workspace, write_tiny_base(tmp_path / "outside"), title="外面的基座")


def add_adapter(workspace, name, base):
    made = Artefact(
        name=name, kind="adapter", title=name, path=base, base=base, base_fingerprint="x", checkpoint=3
    )
    with making(workspace, name) as folder:
        write_artefact(folder, made, workspace.home)


def names(workspace):
    return [each.name for each in models.artefacts(workspace) if each.removable]


def test_a_registered_folder_stays_where_it_is(workspace, base, tmp_path):
    assert base.path == tmp_path / "outside" and base.kind == "base"
    assert models.artefact(workspace, "outside").title == "外面的基座"
    with pytest.raises(ModelError, match="已经登记"):
        models.register_folder(workspace, base.path)
    shutil.rmtree(base.path)
    assert names(workspace) == []


def test_an_incomplete_folder_is_not_registered(workspace, tmp_path):
    with pytest.raises(ModelError, match="不存在"):
        models.register_folder(workspace, tmp_path / "nowhere")


def test_a_folder_without_its_manifest_is_not_listed(workspace):
    write_tiny_base(workspace.models / "half")
    assert names(workspace) == []


def test_a_failure_while_making_leaves_nothing(workspace):
    with pytest.raises(ModelError), making(workspace, "broken") as folder:
        (folder / "weights").write_bytes(b"x")
        raise ModelError("no")
    assert list(workspace.models.iterdir()) == []


def test_who_may_open_the_folder_may_read_the_weights(workspace):
    with making(workspace, "shared") as folder:
        folder.chmod(0o755)
        weights = folder / "model.safetensors"
        weights.write_bytes(b"")
        weights.chmod(0o600)
    assert (workspace.models / "shared" / "model.safetensors").stat().st_mode & 0o777 == 0o644


def test_what_a_killed_job_left_is_removed_by_the_next(workspace):
    new_folder(workspace.models / ".making-999999999-old")
    add_adapter(workspace, "new", workspace.home)
    assert [path.name for path in workspace.models.iterdir()] == ["new"]


def test_deleting_is_undone(workspace, base):
    add_adapter(workspace, "甲", base.path)
    gone = models.delete(workspace, "甲")
    assert names(workspace) == ["outside"]
    assert [each.token for each in models.trashed(workspace)] == [gone.token]
    assert models.restore(workspace, gone.token).checkpoint == 3
    assert names(workspace) == ["outside", "甲"] and models.trashed(workspace) == []


def test_a_restored_model_never_overwrites_a_new_one(workspace, base):
    add_adapter(workspace, "甲", base.path)
    gone = models.delete(workspace, "甲")
    add_adapter(workspace, "甲", base.path)
    assert models.restore(workspace, gone.token).name == "甲-2"


def test_a_purged_model_is_gone(workspace, base):
    gone = models.delete(workspace, base.name)
    models.purge(workspace, gone.token)
    assert models.trashed(workspace) == [] and (base.path / "config.json").exists()
    for token in (gone.token, "../..~1", "x"):
        with pytest.raises(ModelError, match="回收站"):
            models.restore(workspace, token)


def test_a_base_is_kept_while_an_adapter_needs_it(workspace, base):
    add_adapter(workspace, "甲", base.path)
    with pytest.raises(ModelError, match="甲"):
        models.delete(workspace, base.name)


def test_a_base_is_kept_while_a_training_reads_it_or_waits_for_its_turn(workspace):
    folder = write_tiny_base(workspace.models / "mine")
    write_artefact(folder, Artefact(name="mine", kind="base", title="m", path=folder), workspace.home)
    settings = training.default_settings("nano-cpu-qlora").model_dump(mode="json")
    version = add_version(workspace)
    run = rows.add(workspace.engine, "训", "nano-cpu-qlora", version.id, {**settings, "base": str(folder)})
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    subject = TrainingSubject(training_run_id=run.id)
    job = jobs.start(workspace, "train", "正在训练的", sleeping, subject=subject)
    with pytest.raises(ModelError, match="正在训练的"):
        models.delete(workspace, "mine")
    jobs.stop(workspace, job.id)
    jobs.wait(workspace, job.id, 30)
    assert models.delete(workspace, "mine").artefact.name == "mine"


def test_the_workspace_can_be_moved(workspace, tmp_path):
    from tianji_core.workspace import open_workspace

    folder = write_tiny_base(workspace.models / "mine")
    write_artefact(folder, Artefact(name="mine", kind="base", title="m", path=folder), workspace.home)
    add_adapter(workspace, "甲", folder)
    moved = open_workspace(shutil.move(workspace.home, tmp_path / "moved"))
    assert models.artefact(moved, "甲").base == moved.models / "mine"


def test_an_unknown_model_is_answered_with_what_there_is(workspace, base):
    with pytest.raises(ModelError, match="outside"):
        models.artefact(workspace, "没有")


def test_names_become_folder_names(workspace, base, tmp_path):
    assert free_name(workspace, "a/b c") == "a-b-c"
    assert free_name(workspace, "outside") == "outside-2"
    other = write_tiny_base(tmp_path / "other")
    with pytest.raises(ModelError, match="只能用"):
        models.register_folder(workspace, other, name="../x")


def test_a_loaded_model_is_offered_first_then_the_merged_form_of_the_newest_checkpoint(
    tmp_path: Path,
) -> None:
    def made(name: str, kind: Literal["base", "adapter", "merged", "gguf"], step: int | None) -> Artefact:
        at = datetime(2026, 1, 1) + timedelta(days=step or 0)
        run = None if step is None else 1
        return Artefact(
            name=name, kind=kind, title="", path=tmp_path, training_run_id=run, checkpoint=step, created_at=at
        )

    known = [
        made("底座", "base", None),
        made("旧的", "merged", 4),
        made("新的-lora", "adapter", 8),
        made("新的", "merged", 8),
        made("文件", "gguf", 8),
    ]
    assert ready_first(known) == ["新的", "新的-lora", "旧的", "底座"]
    assert ready_first(known, loaded=["底座"])[0] == "底座"
