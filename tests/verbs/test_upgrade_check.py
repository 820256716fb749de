"""``upgrade-check`` says what opening a workspace with this version will change, and changes nothing."""

import contextlib
import hashlib
import sqlite3
from pathlib import Path

import pytest

from tianji_core.release import version
from tianji_core.store.database import HEAD
from tianji_core.upgrade import RECORD, Environment, environment, record_environment
from tianji_core.verbs.system import PACKAGES
from tianji_core.workspace import Workspace

pytestmark = pytest.mark.sqlite


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder with its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def set_back(space: Workspace, revision: str) -> None:
    """Make the database that of an older program, as far as its number says."""
    space.engine.dispose()
    file = space.home / "studio.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def test_nothing_waits_in_a_workspace_of_this_version(verb, workspace: Workspace) -> None:
    record_environment(workspace, PACKAGES)
    workspace.engine.dispose()
    before = content(workspace.home)
    said = verb("upgrade-check")
    assert said.code == 0 and "没有要升级的" in said.out and version() in said.out
    assert verb("upgrade-check", "--json").json()["waits"] is False
    assert content(workspace.home) == before


def test_waiting_revisions_are_told_with_the_backup_and_who_is_shut_out(verb, workspace: Workspace) -> None:
    set_back(workspace, "0003")
    (workspace.home / "settings.json").write_text('{"language": "en", "from_a_newer_version": 1}')
    before = content(workspace.home)
    said = verb("upgrade-check")
    assert said.code == 3 and content(workspace.home) == before
    assert (
        f"schema 0003, becomes {HEAD}" in said.out and "recipes can be removed and brought back" in said.out
    )
    assert "version 0.1.0 cannot open it" in said.out and "A backup is made first" in said.out
    assert "from_a_newer_version" in said.out
    assert "sample" not in said.err


def test_versions_that_differ_from_those_of_the_last_studio_are_told(verb, workspace: Workspace) -> None:
    now = environment(PACKAGES)
    older = Environment(
        version="0.1.0", python=now.python, packages={**now.packages, "torch": "2.8.0", "gone": "1"}
    )
    (workspace.home / RECORD).write_text(older.model_dump_json())
    said = verb("upgrade-check")
    assert said.code == 3 and "上次打开它的版本：0.1.0" in said.out
    assert f"torch：2.8.0 → {now.packages['torch']}" in said.out and "gone：1 → –" in said.out
    assert "transformers" not in said.out
    record_environment(workspace, PACKAGES)
    assert verb("upgrade-check").code == 0


def test_a_disk_that_is_too_small_is_told(
    verb, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back(workspace, "0009")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1000})())
    said = verb("upgrade-check")
    assert said.code == 3 and "磁盘空间不够" in said.out


def test_no_workspace_and_a_newer_one_are_refused(verb, workspace: Workspace, tmp_path: Path) -> None:
    assert "没有工作区" in verb("upgrade-check", "--workspace", tmp_path / "nowhere").refusal
    assert not (tmp_path / "nowhere").exists()
    set_back(workspace, "9999")
    assert "请升级程序" in verb("upgrade-check").refusal
