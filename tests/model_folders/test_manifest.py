"""``tianji.json`` says what a model is, how to ask it, and whether its code may run; a broken one is never
trusted."""

import json

import pytest

from tianji_core.errors import ModelError
from tianji_core.model_folders.manifest import (
    Artefact,
    Manifest,
    read_artefact,
    read_manifest,
    read_permission,
    write_artefact,
)


def test_an_artefact_comes_back_as_it_was_written_and_its_base_moves_with_the_workspace(tmp_path):
    home, moved = tmp_path / "home", tmp_path / "moved"
    folder = home / "models" / "mine"
    folder.mkdir(parents=True)
    made = Artefact(name="mine", kind="adapter", title="我的", path=folder, base=home / "models" / "base")
    write_artefact(folder, made, home)
    assert read_artefact(folder, home) == made
    home.rename(moved)
    assert read_artefact(moved / "models" / "mine", moved).base == moved / "models" / "base"


def test_a_folder_without_manifest_says_nothing(tmp_path):
    assert read_manifest(tmp_path) == Manifest() and read_permission(tmp_path) is None
    with pytest.raises(ModelError, match=r"没有 tianji\.json"):
        read_artefact(tmp_path, tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", "null", "[" * 99_999, '{"template": 3, "location": [], "kind": "?"}']
)
def test_a_broken_manifest_is_refused_with_its_path(tmp_path, text):
    (tmp_path / "tianji.json").write_text(text)
    with pytest.raises(ModelError, match=r"tianji\.json 坏了"):
        read_manifest(tmp_path)
    with pytest.raises(ModelError, match=r"tianji\.json 读不懂"):
        read_artefact(tmp_path, tmp_path)
    assert read_permission(tmp_path) is None


@pytest.mark.parametrize(("value", "allowed"), [(True, True), (False, False), ("true", None), (1, None)])
def test_only_true_itself_allows_code(tmp_path, value, allowed):
    (tmp_path / "tianji.json").write_text(json.dumps({"trust_remote_code": value}))
    permission = read_permission(tmp_path)
    assert (permission.trust_remote_code if permission else None) is allowed
