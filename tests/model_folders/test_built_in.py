"""The built-in base is found in this installation, whatever path was stored for it."""

import json
import shutil
from pathlib import Path

import pytest

from tianji_core.errors import ModelError
from tianji_core.model_folders.base import check_same_base, checked_base, fingerprint
from tianji_core.model_folders.built_in import base_here
from tianji_core.model_folders.manifest import MANIFEST, read_artefact
from tianji_core.project import NANO_FOLDER


def test_the_base_of_a_moved_program_is_the_one_of_this_installation(tmp_path):
    gone = tmp_path / "old" / "configs" / "models" / "nano-base"
    assert base_here(gone) == NANO_FOLDER == base_here(NANO_FOLDER)
    own = tmp_path / "models" / "nano-base"
    assert base_here(own) == own, "a person's folder of the same name"


def test_the_base_of_another_checkout_is_this_one_where_both_are_the_same(tmp_path):
    other = tmp_path / "configs" / "models" / "nano-base"
    shutil.copytree(NANO_FOLDER, other)
    assert base_here(other, fingerprint(other)) == NANO_FOLDER
    assert base_here(other, "another") == other


def test_an_adapter_of_a_moved_program_names_the_base_of_this_installation(tmp_path):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    values = {"name": "mine", "kind": "adapter", "title": "", "base": "/old/configs/models/nano-base"}
    (folder / MANIFEST).write_text(json.dumps({**values, "base_fingerprint": "older"}))
    made = read_artefact(folder, tmp_path)
    assert made.base == NANO_FOLDER
    with pytest.raises(ModelError, match="工坊换了新的内置模型"):
        check_same_base(made.base, made.base_fingerprint)


def test_a_missing_built_in_base_is_installed_again_and_never_downloaded(tmp_path, monkeypatch):
    gone = tmp_path / "configs" / "models" / "nano-base"
    monkeypatch.setattr("tianji_core.model_folders.base.NANO_FOLDER", gone)
    with pytest.raises(ModelError, match="不用下载，请重新安装工坊"):
        checked_base(gone)
    with pytest.raises(ModelError, match="请先下载"):
        checked_base(Path(tmp_path / "other"))
