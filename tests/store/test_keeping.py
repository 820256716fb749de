"""A lost database is noticed, backed up and restored; folders of runs are never used twice."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from tianji_core import generation, jobs
from tianji_core.errors import DatabaseLostError, InputError, StudioError
from tianji_core.ownership import facts_of, mark
from tianji_core.recipe import Plan
from tianji_core.store import backups, samples
from tianji_core.store.database import MIGRATIONS, writing
from tianji_core.store.runs import Run
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace, highest_number, open_workspace

pytestmark = pytest.mark.sqlite


def add(workspace: Workspace, text: str) -> None:
    with writing(workspace.engine) as connection:
        new = NewSample("wishes", "系统", f"祝妹妹{text}", text, "妹妹", "生日", "正常")
        samples.insert_new(connection, [new], IMPORT)


def texts(workspace: Workspace) -> list[str]:
    return [each.output for each in samples.page(workspace.engine, SampleFilter("wishes"))]


def reopened(workspace: Workspace) -> Workspace:
    """The same workspace as another process opens it."""
    workspace.engine.dispose()
    return open_workspace(workspace.home)


@pytest.fixture
def full(workspace: Workspace) -> Workspace:
    """A workspace with a sample, a backup of it, and one more sample."""
    add(workspace, "第一条")
    workspace.back_up()
    add(workspace, "第二条")
    return workspace


def new_run(workspace: Workspace) -> Run:
    plan = Plan(styles=("正常",), limit=2)
    return generation.create_run(workspace, "wishes", plan, TeacherChoice(provider="offline"), Sampling())


def delete(file: Path) -> None:
    for path in (file, file.with_name("studio.db-wal"), file.with_name("studio.db-shm")):
        path.unlink(missing_ok=True)


def empty(file: Path) -> None:
    delete(file)
    file.touch()


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 8192 * 4096)


def cut_within_the_header(file: Path) -> None:
    os.truncate(file, 50)


def overwrite_the_start(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"\0" * 4096)


def put_an_empty_database(file: Path) -> None:
    delete(file)
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE other (x)")


def put_that_of_another_workspace(file: Path) -> None:
    delete(file)
    other = open_workspace(file.parent.parent / "other")
    add(other, "别人的")
    other.engine.dispose()
    shutil.copy(other.home / "studio.db", file)


LOSSES = (
    delete,
    empty,
    cut,
    cut_within_the_header,
    overwrite_the_start,
    put_an_empty_database,
    put_that_of_another_workspace,
)


@pytest.mark.parametrize("lose", LOSSES, ids=lambda loss: loss.__name__)
def test_a_lost_database_is_named_and_its_newest_backup_restored(full: Workspace, lose) -> None:
    full.engine.dispose()
    file = full.home / "studio.db"
    lose(file)
    left = file.read_bytes() if file.exists() else None
    again = open_workspace(full.home)
    newest = again.backups()[0].path.name
    for _attempt in range(2):  # opening it has not made a new one
        with pytest.raises(DatabaseLostError, match=rf"studio.db.*{newest}.*restore"):
            _ = again.engine
    assert (file.read_bytes() if file.exists() else None) == left
    again.restore_database()
    assert texts(again) == ["第一条"] and texts(reopened(again)) == ["第一条"]
    aside = [path.read_bytes() for path in (full.home / "backups" / "replaced").glob("studio-*.db")]
    assert left is None or lose in (put_an_empty_database, put_that_of_another_workspace) or left in aside


def test_a_lost_database_without_backup_is_not_replaced_unless_asked(workspace: Workspace) -> None:
    run = new_run(workspace)
    add(workspace, "一")
    workspace.engine.dispose()
    (workspace.run_folder(run.id)).mkdir(exist_ok=True)
    (workspace.run_folder(run.id) / "raw.json").write_text("[1]", encoding="utf-8")
    delete(workspace.home / "studio.db")
    again = open_workspace(workspace.home)
    with pytest.raises(DatabaseLostError, match=r"没有备份.*--anew"):
        _ = again.engine
    again.start_database_anew()
    assert texts(again) == []
    new = new_run(again)
    assert new.id == run.id + 1
    assert (again.run_folder(run.id) / "raw.json").read_text() == "[1]"
    assert texts(reopened(again)) == []


def test_an_old_workspace_without_its_database_is_not_begun_anew(tmp_path: Path) -> None:
    """One of a release that knew no marks."""
    (tmp_path / "runs" / "run-7").mkdir(parents=True)
    with pytest.raises(DatabaseLostError, match="不见了"):
        _ = open_workspace(tmp_path).engine
    assert not (tmp_path / "studio.db").exists()


def test_an_old_workspace_is_taken_over_and_backed_up_at_once(full: Workspace) -> None:
    full.engine.dispose()
    with sqlite3.connect(full.home / "studio.db") as connection:
        connection.execute("PRAGMA user_version = 0")
    (full.home / ".tianji-studio").unlink()
    for path in (full.home / "backups").iterdir():
        path.unlink()
    again = open_workspace(full.home)
    assert texts(again) == ["第一条", "第二条"]
    assert [each.reason for each in again.backups()] == ["daily"]
    assert facts_of(full.home)["database"] > 0


def test_a_backup_is_made_once_a_day_and_the_last_ones_are_kept(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(workspace, "一")
    assert reopened(workspace).backups() == []  # made today
    mark(workspace.home, made_at=0.0)
    for _time in range(2):
        assert texts(reopened(workspace)) == ["一"]
    assert len(workspace.backups()) == 1
    monkeypatch.setattr(backups, "KEPT", 3)
    made = [workspace.back_up() for _time in range(4)]
    assert workspace.backups() == made[:0:-1]
    files = sorted(path.name for path in (workspace.home / "backups").iterdir())
    assert len(files) == 6
    subprocess.run(["sha256sum", "--check", files[1]], cwd=workspace.home / "backups", check=True)


def test_a_backup_is_made_before_a_migration_and_only_one(full: Workspace) -> None:
    full.engine.dispose()
    with sqlite3.connect(full.home / "studio.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for _attempt in range(3):
        with pytest.raises(StudioError, match="升级"):
            _ = open_workspace(full.home).engine
    assert [each.reason for each in full.backups()] == ["migration", "manual"]


def test_the_backup_before_a_migration_has_the_old_schema(full: Workspace) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with writing(full.engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    assert texts(reopened(full)) == ["第一条", "第二条"]
    newest = full.backups()[0]
    assert newest.reason == "migration"
    with contextlib.closing(sqlite3.connect(newest.path)) as saved:
        assert saved.execute("SELECT version_num FROM alembic_version").fetchone() == ("0002",)
        assert saved.execute("SELECT count(*) FROM samples").fetchone() == (2,)
    full.restore_database(newest.path)  # and it is migrated again when it is opened
    assert texts(full) == ["第一条", "第二条"]


@pytest.mark.parametrize("fault", ["changed", "cut", "none", "other"])
def test_a_damaged_backup_is_refused_and_nothing_changes(full: Workspace, tmp_path: Path, fault: str) -> None:
    chosen = full.backups()[0].path
    if fault == "changed":
        with chosen.open("r+b") as file:
            file.seek(5000)
            file.write(b"\xff" * 64)
    elif fault == "cut":
        chosen = tmp_path / "copy.db"
        chosen.write_bytes(full.backups()[0].path.read_bytes()[:20_000])
    else:
        chosen = tmp_path / "none.db"
    if fault == "other":
        with sqlite3.connect(chosen) as connection:
            connection.execute("CREATE TABLE other (x)")
    with pytest.raises(InputError, match=chosen.name):
        full.restore_database(chosen)
    assert texts(reopened(full)) == ["第一条", "第二条"]
    assert not (full.home / "backups" / "replaced").exists()


def test_a_running_studio_sees_the_restored_state_and_the_old_one_is_kept(full: Workspace) -> None:
    """Another process restores: the one that runs goes on with the restored database."""
    assert texts(full) == ["第一条", "第二条"]
    code = (
        "from tianji_core.workspace import open_workspace as o; import sys; o(sys.argv[1]).restore_database()"
    )
    subprocess.run([sys.executable, "-c", code, str(full.home)], check=True)
    assert texts(full) == ["第一条"]
    add(full, "第三条")
    assert texts(reopened(full)) == ["第一条", "第三条"]
    (old,) = (full.home / "backups" / "replaced").glob("studio-*.db")
    full.restore_database(old)
    assert texts(full) == ["第一条", "第二条"]


def test_a_database_deleted_under_a_running_studio_is_not_made_anew(full: Workspace) -> None:
    assert len(texts(full)) == 2
    delete(full.home / "studio.db")
    with pytest.raises(DatabaseLostError, match="不见了"):
        texts(full)
    with pytest.raises(DatabaseLostError, match="restore"):
        full.check_database()
    assert not (full.home / "studio.db").exists()
    full.restore_database()
    assert texts(full) == ["第一条"]


def test_numbers_go_on_above_the_folders_that_an_older_database_does_not_know(full: Workspace) -> None:
    first = new_run(full)
    for path in (full.runs / "run-41", full.runs / "training-9", full.runs / "knowledge-7"):
        path.mkdir()
    (full.logs / "job-17.log").write_text("earlier", encoding="utf-8")
    assert first.id == 1 and new_run(full).id == 42 and new_run(full).id == 43
    job = jobs.start(full, "demo", "试", [sys.executable, "-c", "print('new')"])
    assert job.id == 18 and jobs.wait(full, job.id, 60).state == "succeeded"
    assert (full.logs / "job-17.log").read_text() == "earlier"
    assert highest_number(full.runs, "training-") == 9


def test_a_circle_of_links_is_one_sentence(tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    for folder in (circle, circle / "below"):
        with pytest.raises(StudioError, match=r"circle.*请换一个"):
            open_workspace(folder)
