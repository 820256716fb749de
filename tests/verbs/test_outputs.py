"""Verbs that write to a path that a person names replace nothing unasked, and say how to go on."""

from pathlib import Path

from tests.dataset.test_exporting import fill
from tianji_core.dataset import DatasetVersion, freeze
from tianji_core.workspace import Workspace


def frozen(workspace: Workspace, name: str, number: int) -> DatasetVersion:
    fill(workspace, number)
    return freeze(workspace, "wishes", name)


def test_verbs_refuse_and_say_how(verb, workspace: Workspace, tmp_path: Path) -> None:
    frozen(workspace, "v1", 6)
    target = tmp_path / "list.csv"
    target.write_text("a person's", encoding="utf-8")
    for options in ((), ("--overwrite",)):
        assert "list.csv" in verb("export", "v1", "--form", "csv", "--output", target, *options).refusal
    assert target.read_text() == "a person's"
    new = tmp_path / "new.csv"
    assert verb("export", "v1", "--form", "csv", "--output", new).code == 0
    frozen(workspace, "v2", 9)
    assert "--overwrite" in verb("export", "v2", "--form", "csv", "--output", new).refusal
    assert verb("export", "v2", "--form", "csv", "--output", new, "--overwrite").code == 0


def test_a_lost_database_is_restored_by_its_verb(verb, workspace: Workspace) -> None:
    fill(workspace, 3)
    made = verb("backup", "--json").json()
    assert Path(made["file"]).stat().st_size == made["bytes"]
    workspace.engine.dispose()
    for path in workspace.home.glob("studio.db*"):
        path.unlink()
    refusal = verb("review-stats").refusal
    assert "studio.db" in refusal and Path(made["file"]).name in refusal and "restore" in refusal
    assert Path(made["file"]).name in verb("restore").out
    assert verb("review-stats", "--json").json()["states"]["accepted"] == 3
    assert Path(made["file"]).name in verb("restore").out  # the list
    assert verb("restore", "--anew").code == 0
    assert verb("review-stats", "--json").json()["states"]["accepted"] == 0
    assert verb("restore", Path(made["file"]).name).code == 0
    assert verb("review-stats", "--json").json()["states"]["accepted"] == 3


def test_a_database_on_a_server_is_left_to_its_own_tools(verb, monkeypatch) -> None:
    monkeypatch.setenv("TIANJI_DATABASE_URL", "postgresql+psycopg://me:secret-word@127.0.0.1:1/x")
    refusal = verb("restore", "x.db").refusal
    assert "pg_dump" in refusal and "pg_restore" in refusal and "secret-word" not in refusal
