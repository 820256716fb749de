"""The workspace: settings, keys, and folders that cannot be used."""

import os
import stat
from pathlib import Path

import pytest

from tianji_core.errors import SettingsError
from tianji_core.ownership import MARK
from tianji_core.workspace import Settings, Workspace, masked, open_workspace


def test_settings_survive_and_a_broken_file_is_named(workspace: Workspace) -> None:
    workspace.save_settings(Settings(language="en", reviewer="小王"))
    assert open_workspace(workspace.home).settings() == Settings(language="en", reviewer="小王")
    (workspace.home / "settings.json").write_text("{broken", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"settings\.json"):
        workspace.settings()


def test_a_saved_key_is_private_and_the_environment_comes_first(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.save_key("DEEPSEEK_API_KEY", "sk-'quote\\and#hash")
    assert stat.S_IMODE(workspace.env_file.stat().st_mode) == 0o600
    assert workspace.key("DEEPSEEK_API_KEY") == "sk-'quote\\and#hash"
    monkeypatch.setenv("DEEPSEEK_API_KEY", "from-environment")
    assert workspace.key("DEEPSEEK_API_KEY") == "from-environment"


def test_removing_one_key_keeps_the_others(workspace: Workspace) -> None:
    workspace.save_key("A_KEY", "1")
    workspace.save_key("B_KEY", "2")
    workspace.save_key("A_KEY", None)
    assert (workspace.key("A_KEY"), workspace.key("B_KEY")) == (None, "2")


@pytest.mark.parametrize(("secret", "shown"), [(None, ""), ("short", "••••"), ("sk-1234567890", "••••7890")])
def test_masked_shows_at_most_the_last_four(secret: str | None, shown: str) -> None:
    assert masked(secret) == shown


def test_a_file_in_the_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match="taken"):
        open_workspace(tmp_path / "taken")


def test_the_home_variable_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIANJI_HOME", str(tmp_path / "elsewhere"))
    assert open_workspace().home == tmp_path / "elsewhere"
    assert {p.name for p in (tmp_path / "elsewhere").iterdir()} == {
        "datasets",
        "runs",
        "models",
        "logs",
        "exports",
        MARK,
    }
    assert os.environ["TIANJI_HOME"]


def test_a_binary_file_of_keys_is_one_sentence_and_stays(workspace: Workspace) -> None:
    workspace.env_file.write_bytes(b"\xff\xfe\x00DEEPSEEK")
    for refused in (lambda: workspace.key("DEEPSEEK_API_KEY"), lambda: workspace.save_key("A_KEY", "1")):
        with pytest.raises(SettingsError, match="不是 UTF-8"):
            refused()
    assert workspace.env_file.read_bytes() == b"\xff\xfe\x00DEEPSEEK"
