"""From the models a person picked to a server."""

import shutil
from pathlib import Path

import pytest

from tests.serving.conftest import Folders
from tianji_core import jobs
from tianji_core.errors import ModelError
from tianji_core.model_folders.manifest import read_artefact, write_artefact
from tianji_core.models import Artefact, delete, register_folder
from tianji_core.project import NANO_FOLDER
from tianji_core.serving import start_for, wait_ready
from tianji_core.serving.choosing import resolved
from tianji_core.serving.launch import ModelRef
from tianji_core.workspace import Workspace


def add_adapter(workspace: Workspace, name: str, source: Path, base: Path) -> None:
    folder = workspace.models / name
    shutil.copytree(source, folder)
    made = Artefact(name=name, kind="adapter", title=name, path=folder, base=base)
    write_artefact(folder, made, workspace.home)


def test_an_adapter_brings_its_base_and_neither_can_be_deleted_meanwhile(
    workspace: Workspace, folders: Folders
) -> None:
    register_folder(workspace, folders.base, name="底座")
    add_adapter(workspace, "红", folders.red, folders.base)
    job = start_for(workspace, ["红"])
    try:
        assert wait_ready(workspace, job.id, timeout=120).models == ("底座", "红")
        with pytest.raises(ModelError, match="正在用"):
            delete(workspace, "红")
    finally:
        jobs.stop(workspace, job.id)
        jobs.wait(workspace, job.id, timeout=60)


def test_an_adapter_without_its_base_is_refused(
    workspace: Workspace, folders: Folders, tmp_path: Path
) -> None:
    add_adapter(workspace, "红", folders.red, tmp_path / "gone")
    with pytest.raises(ModelError, match=r"基座 .*gone 不在了"):
        start_for(workspace, ["红"])
    with pytest.raises(ModelError, match="没有名叫“蓝”"):
        start_for(workspace, ["蓝"])


def test_an_adapter_on_an_older_built_in_base_is_refused_before_anything_is_loaded(
    workspace: Workspace, folders: Folders
) -> None:
    gone = Path("/old/configs/models/nano-base")
    add_adapter(workspace, "红", folders.red, gone)
    assert resolved(workspace, ["红"])[0] == [ModelRef("nano-base", str(NANO_FOLDER))]
    folder = workspace.models / "红"
    older = read_artefact(folder, workspace.home).model_copy(update={"base_fingerprint": "older"})
    write_artefact(folder, older, workspace.home)
    with pytest.raises(ModelError, match="旧版工坊的内置模型"):
        start_for(workspace, ["红"])
