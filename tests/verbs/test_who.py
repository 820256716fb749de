"""Who made a thing stands on the thing: what a person makes at once and what a background job makes for
that person, in lists and on pages."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.comparison.boards import GOOD, filled
from tests.pages.opening import opened
from tests.tiny_base import write_tiny_base
from tianji_core import jobs, roles, training
from tianji_core.comparison.board import load_board, save_board
from tianji_core.store import datasets, recipes
from tianji_core.store import training as training_runs
from tianji_core.workspace import Workspace

WHO = "小王*1*"
"""An account whose name would be markup."""
SHOWN = "小王\\*1\\*"


@pytest.fixture
def made(verb: Callable, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace in which one person made one thing of each kind."""
    monkeypatch.setenv(roles.PERSON, WHO)
    file = tmp_path / "in.json"
    items = [{"input": "祝妹妹生日", "output": "妹妹，生日快乐！愿你新的一岁平安喜乐。"}]
    file.write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
    assert verb("import", file, "--accepted").code == 0
    assert verb("freeze", "--name", "v1").code == 0
    plan = ("--styles", "正常", "--limit", 2)
    assert verb("generate", *plan).code == 0
    assert verb("models", "--register", write_tiny_base(tmp_path / "outside")).code == 0
    version = datasets.by_name(workspace.engine, "v1")
    settings = training.default_settings("nano-cpu-qlora", workspace, "wishes")
    training.prepare_training(workspace, "nano-cpu-qlora", settings, version, "第一次")
    save_board(workspace, filled(recipes.current(workspace.engine, "wishes").recipe, [[GOOD, GOOD]]))
    monkeypatch.delenv(roles.PERSON)
    return workspace


def test_every_list_names_the_person(verb: Callable, made: Workspace) -> None:
    for name in ("runs", "datasets", "models"):
        assert WHO in [each["who"] for each in verb(name, "--json").json()], name
        assert WHO in verb(name).out, name
    assert [job["who"] for job in verb("jobs", "--json").json()] == [WHO]
    assert datasets.listed_imports(made.engine, "wishes")[0].who == WHO
    assert training_runs.listed(made.engine)[0].who == WHO


def test_the_pages_name_the_person(made: Workspace) -> None:
    assert any(SHOWN in caption.value for caption in opened("generate").caption)
    assert any(SHOWN in title.value for title in opened("generate", run="1").subheader)
    assert any(SHOWN in caption.value for caption in opened("dataset", part="版本").caption)
    assert WHO in str(opened("dataset", part="导入").dataframe[0].value)
    assert any(SHOWN in caption.value for caption in opened("models").caption)
    assert any(SHOWN in caption.value for caption in opened("compare").caption)
    assert any(SHOWN in caption.value for caption in opened("train").caption)


def test_what_a_job_makes_is_made_by_the_person_who_started_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(roles.PERSON, WHO)
    code = "from tianji_core.roles import acting_person; print('谁：' + acting_person())"
    job = jobs.start(workspace, "demo", "看看是谁", [sys.executable, "-c", code])
    monkeypatch.setenv(roles.PERSON, "小李")
    jobs.wait(workspace, job.id, timeout=60)
    assert f"谁：{WHO}" in jobs.log_tail(workspace, job.id)


def test_what_was_made_without_a_name_gets_none_from_whoever_reads_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = filled(recipes.current(workspace.engine, "wishes").recipe, [[GOOD, GOOD]])
    save_board(workspace, board)
    monkeypatch.setenv(roles.PERSON, WHO)
    assert load_board(workspace, board.key).who == ""
