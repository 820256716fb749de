"""The migrated schema is the schema of the code, for new files and for files another process just made."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import QueuePool, create_engine

from tianji_core.errors import SettingsError, StudioError
from tianji_core.store.database import HEAD, open_engine, reading, sqlite_address
from tianji_core.store.schema import metadata
from tianji_core.workspace import Workspace, open_workspace


def test_migrations_lead_to_the_schema(workspace: Workspace) -> None:
    with workspace.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_two_processes_may_open_a_new_workspace_at_once(tmp_path: Path) -> None:
    code = "from tianji_core.workspace import open_workspace; "
    code += f"print(open_workspace({str(tmp_path)!r}).engine.url)"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in started:
        _out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


@pytest.mark.sqlite
def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    open_workspace(tmp_path).engine.dispose()
    with sqlite3.connect(tmp_path / "studio.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="升级"):
        open_engine(sqlite_address(tmp_path / "studio.db"))


@pytest.mark.sqlite
def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "studio.db").write_text("这不是数据库" * 200, encoding="utf-8")
    with pytest.raises(SettingsError, match="打不开数据库"):
        _ = open_workspace(tmp_path).engine


def test_a_password_in_the_address_is_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        open_engine("postgresql+psycopg://someone:geheim@127.0.0.1:1/none")
    assert "geheim" not in str(caught.value)


@pytest.mark.sqlite
def test_the_database_lies_in_its_workspace_whatever_the_folder_is_called(tmp_path: Path) -> None:
    folders = [
        "team",
        "team?a",
        "team?b",
        "team#a",
        "team%20a",
        "team a",
        "team'a\"",
        "团队 %3F",
        "team&a=1",
        ":x@y",
    ]
    for name in folders:
        space = open_workspace(tmp_path / name)
        with space.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE mine (name TEXT)")
            connection.exec_driver_sql("INSERT INTO mine VALUES (?)", (name,))
        space.engine.dispose()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(folders)
    for name in folders:
        with sqlite3.connect(tmp_path / name / "studio.db") as connection:
            assert connection.execute("SELECT name FROM mine").fetchall() == [(name,)]


@pytest.mark.sqlite
def test_a_child_opens_the_same_file_by_its_address(tmp_path: Path) -> None:
    """Jobs get the address in an environment variable."""
    space = open_workspace(tmp_path / "team?a%20#b")
    again = open_engine(space.database_url)
    assert again.url.database == str(tmp_path / "team?a%20#b" / "studio.db")


def test_a_fault_of_the_library_is_one_sentence_without_a_link(tmp_path: Path) -> None:
    engine = create_engine(
        f"sqlite:///{tmp_path / 'a.db'}", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.05
    )
    with (
        reading(engine),
        pytest.raises(StudioError, match=r"数据库 .* 用不了.*QueuePool") as refused,
        reading(engine),
    ):
        pass
    assert "http" not in str(refused.value) and "\n" not in str(refused.value)
