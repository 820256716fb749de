"""A recipe is removed with what was made of it, and comes back with that."""

import shutil
from pathlib import Path

import pytest

from tests.tiny_base import add_version, write_tiny_base
from tianji_core import models, training
from tianji_core.errors import ModelError
from tianji_core.model_folders.manifest import Artefact, Kind, write_artefact
from tianji_core.models.catalogue import making
from tianji_core.store import recipes
from tianji_core.store import training as rows
from tianji_core.workspace import Workspace

MINE = "mine"


@pytest.fixture
def run(workspace: Workspace) -> int:
    """A training on a dataset of the recipe."""
    recipes.copy(workspace.engine, "wishes", MINE, "我的")
    version = add_version(workspace, recipe=MINE)
    settings = training.default_settings("nano-cpu-qlora").model_dump(mode="json")
    return rows.add(workspace.engine, "训", "nano-cpu-qlora", version.id, settings).id


def add_model(workspace: Workspace, name: str, kind: Kind, base: Path, run: int) -> Path:
    made = Artefact(
        name=name, kind=kind, title=name, path=base, base=base, base_fingerprint="x", training_run_id=run
    )
    with making(workspace, name) as folder:
        if kind == "merged":
            shutil.copytree(base, folder, dirs_exist_ok=True)
        write_artefact(folder, made, workspace.home)
    return workspace.models / name


def names(workspace: Workspace) -> set[str]:
    return {model.name for model in models.artefacts(workspace) if model.removable}


def test_an_adapter_on_a_merged_model_goes_before_it(workspace: Workspace, run: int, tmp_path: Path) -> None:
    base = models.register_folder(workspace, write_tiny_base(tmp_path / "base"))
    merged = add_model(workspace, "合并", "merged", base.path, run)
    add_model(workspace, "第二轮", "adapter", merged, run)
    assert models.remove_recipe(workspace, MINE) == 2
    assert names(workspace) == {"base"} and MINE not in recipes.keys(workspace.engine)
    models.bring_back_recipe(workspace, MINE)
    assert names(workspace) == {"base", "合并", "第二轮"} and MINE in recipes.keys(workspace.engine)


def test_what_was_deleted_before_does_not_come_back(workspace: Workspace, run: int, tmp_path: Path) -> None:
    base = models.register_folder(workspace, write_tiny_base(tmp_path / "base"))
    for name in ("早先", "后来"):
        add_model(workspace, name, "adapter", base.path, run)
    models.delete(workspace, "早先")
    assert models.remove_recipe(workspace, MINE) == 1
    models.bring_back_recipe(workspace, MINE)
    assert names(workspace) == {"base", "后来"}


def test_a_recipe_whose_model_is_needed_elsewhere_stays_whole(
    workspace: Workspace, run: int, tmp_path: Path
) -> None:
    base = models.register_folder(workspace, write_tiny_base(tmp_path / "base"))
    merged = add_model(workspace, "合并", "merged", base.path, run)
    add_model(workspace, "适配", "adapter", base.path, run)
    other = add_version(workspace, name="v2")
    settings = training.default_settings("nano-cpu-qlora").model_dump(mode="json")
    second = rows.add(workspace.engine, "训", "nano-cpu-qlora", other.id, settings).id
    add_model(workspace, "别人的", "adapter", merged, second)
    with pytest.raises(ModelError, match="别人的"):
        models.remove_recipe(workspace, MINE)
    assert names(workspace) == {"base", "合并", "适配", "别人的"} and MINE in recipes.keys(workspace.engine)
