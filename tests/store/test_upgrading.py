"""A database at any revision of the schema, filled with rows of that revision's own columns, is upgraded by
opening it and read by the present program; looking at it first says what waits and changes nothing.
"""

import contextlib
import hashlib
import json
import re
import shutil
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine

from tianji_core.errors import SettingsError
from tianji_core.recipe import built_in_recipe
from tianji_core.store import (
    datasets,
    findings,
    imitation,
    jobs,
    judgements,
    knowledge,
    leases,
    recipes,
    runs,
    second_verdicts,
    steps,
    training,
    votes,
)
from tianji_core.store.comparing import check_state
from tianji_core.store.database import HEAD, MIGRATIONS, open_engine, sqlite_address
from tianji_core.store.samples import get, provenance
from tianji_core.store.upgrading import (
    RELEASED,
    database_state,
    outdated_releases,
    revision_sentences,
    waiting_revisions,
)

pytestmark = pytest.mark.sqlite
REVISIONS = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
AT = datetime(2026, 3, 1, 8, 30)
LONG = "a" * 60 + "@example.org"


def recipe_body(revision: str) -> dict[str, Any]:
    """The stored form of a recipe as the programs of that revision wrote it."""
    body = built_in_recipe("wishes").model_dump(mode="json") | {"title": "我的祝福"}
    if revision < "0010":
        body.pop("axes")
    if revision < "0005":
        body.pop("own_rules")
        body["styles"] = [
            {key: value for key, value in style.items() if key != "several_lines"} for style in body["styles"]
        ]
    return body


def rows(revision: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of every table in the order of their references, with the columns of all revisions."""
    plan = {"threshold": 1, "rounds": 1, "seed": 7, "limit": 1, "cells": [["外婆", "生日"]]}
    text, asked = "祝外婆生日快乐，身体硬朗！", "祝外婆生日快乐"
    who = LONG if revision >= "0006" else "小李"
    step = {
        "recipe": "wishes",
        "title": "裁定",
        "who": "小王",
        "undone": False,
        "note": "太短",
        "created_at": AT,
    }
    vote = {
        "recipe": "wishes", "prompt": asked, "system": "", "style": "正常", "winner": "甲", "loser": "乙",
        "loser_style": "正常", "chosen": text, "rejected": "生日好", "who": who, "created_at": AT,
        "name": "外婆", "scene": "生日", "outcome": "better", "voter": "person", "reason": "", "ballot": "b1",
        "winner_setting": "T=0.7", "loser_setting": "T=0.9",
    }  # fmt: skip
    sample = {
        "recipe": "wishes", "source": "run", "run_id": 1, "position": 0, "name": "外婆", "scene": "生日",
        "style": "正常", "options": '{"length": "short"}', "system": "", "history": [], "input": asked,
        "output": text, "original": text, "length": len(text), "opening": "祝外婆生日快", "prompt": "写一句",
        "model": "qwen-plus", "prompt_tokens": 30, "completion_tokens": 12, "latency": 0.5,
        "request_id": "r1", "finish_reason": "stop", "reasoning": "", "planted": [],
        "sampling": {"temperature": 0.9}, "state": "accepted", "rating": 4, "score": 4.0,
        "finding_count": 1, "version": 2, "checked": 2,
        "digest": "d1", "text_digest": "t1", "created_at": AT, "updated_at": AT,
    }  # fmt: skip
    from_chunk = {
        **sample,
        "source": "knowledge",
        "run_id": None,
        "position": None,
        "chunk_id": 1,
        "digest": "d2",
    }
    job = {
        "kind": "train",
        "title": "训练 1",
        "argv": ["x"],
        "environment": {},
        "subject": {"training_run_id": 1},
    }
    return {
        "recipe_revisions": [
            {"recipe": "wishes", "revision": 1, "body": recipe_body(revision), "note": "改标题", "created_at": AT}
        ],
        "removed_recipes": [{"recipe": "old", "removed_at": AT}],
        "runs": [
            {"recipe": "wishes", "recipe_revision": 1, "title": "走一遍", "plan": plan, "teacher": {},
             "sampling": {}, "concurrency": 4, "options": {}, "total": 1, "halted": "", "paused": True,
             "created_at": AT}
        ],
        "tasks": [
            {"run_id": 1, "position": 0, "name": "外婆", "scene": "生日", "style": "正常", "round": 0,
             "options": '{"length": "short"}', "teacher": 0, "state": "done", "attempts": 1, "updated_at": AT}
        ],
        "knowledge_runs": [
            {"recipe": "wishes", "title": "灶王爷", "teacher": {}, "sampling": {}, "settings": {}, "concurrency": 2,
             "total": 1, "created_at": AT}
        ],
        "chunks": [
            {"run_id": 1, "position": 0, "file": "灶王爷.txt", "sha256": "0" * 64, "number": 1, "text": "腊月二十三。",
             "state": "done", "attempts": 1, "pairs": 1, "repeated": 2, "unused": 3, "updated_at": AT}
        ],
        "imports": [
            {"recipe": "wishes", "file": "手写.json", "sha256": "1" * 64, "form": "alpaca", "added": 3, "known": 1,
             "bad": [[2, "空的"]], "created_at": AT}
        ],
        "samples": [sample, from_chunk],
        "imitation_runs": [
            {"recipe": "wishes", "recipe_revision": 1, "title": "照着写", "teacher": {}, "sampling": {},
             "settings": {}, "concurrency": 2, "created_at": AT}
        ],
        "imitations": [
            {"run_id": 1, "position": 0, "parent": None, "stage": "paragraph", "name": "外婆", "scene": "生日",
             "style": "正常", "text": "范文。", "state": "given", "talk": [], "turns": 0, "reason": "",
             "attempts": 0, "prompt_tokens": 0, "completion_tokens": 0},
            {"run_id": 1, "position": 1, "parent": 0, "stage": "seed", "name": "外婆", "scene": "生日",
             "style": "正常", "text": text, "state": "left", "talk": [], "turns": 1, "reason": "太像",
             "wording": 0.5, "structure": 0.9, "sample_id": 1, "attempts": 1, "prompt_tokens": 3,
             "completion_tokens": 4},
        ],
        "findings": [{"sample_id": 1, "rule": "greeting", "detail": "称呼", "fixed": None, "turn": 0}],
        "near_texts": [
            {"sample_id": 1, "recipe": "wishes", "text_digest": "t1", "bands": b"\x00\x01", "similarity": 0.9}
        ],
        "check_states": [{"recipe": "wishes", "basis": "b", "compared": True, "steps": "1"}],
        "judgements": [
            {"sample_id": 1, "text_digest": "t1", "fit": 4.0, "style": 3.0, "naturalness": 5.0, "reason": "好",
             "model": "judge", "created_at": AT}
        ],
        "leases": [{"sample_id": 1, "who": "小王", "until": datetime(2999, 1, 1)}],
        "steps": [
            {**step, "action": "accepted", "count": 1, "bulk": False},
            {**step, "action": "accepted", "count": 12, "bulk": True},
            {**step, "action": "second", "count": 1, "bulk": False, "who": who},
        ],
        "changes": [
            {"step_id": 1, "sample_id": 1, "before": {"state": "pending"}, "after": {"state": "accepted"}}
        ],
        "second_verdicts": [
            {"step_id": 3, "recipe": "wishes", "sample_id": 1, "first_who": "小王", "first_state": "accepted",
             "state": "rejected"}
        ],
        "run_workers": [
            {"run_id": 1, "name": "一号", "leads": True, "capacity": 4, "share": 2, "stored": 1, "rate": 0.5,
             "in_flight": 0, "tokens": 42, "cost": 0.1, "started_at": AT, "beat_at": AT, "ended": True}
        ],
        "teacher_paces": [{"teacher": "t", "requests_at": 1.5, "tokens_at": 2.5}],
        "review_settings": [{"recipe": "wishes", "second_share": 0.25}],
        "dataset_versions": [
            {"recipe": "wishes", "name": "第一版", "folder": "第一版", "sha256": "2" * 64, "count": 1,
             "manifest": {"note": "人工看过的"}, "created_at": AT}
        ],
        "jobs": [
            {**job, "state": "succeeded", "stop_requested": False, "exit_code": 0, "note": "",
             "created_at": AT, "started_at": AT, "ended_at": AT}
        ],
        "training_runs": [
            {"title": "第一次", "preset": "nano-cpu-qlora", "dataset_version_id": 1, "settings": {"epochs": 2},
             "work_dir": "runs/training-1", "job_id": 1, "created_at": AT}
        ],
        "votes": [vote, {**vote, "loser": "丙", "rejected": "快乐"}],
    }  # fmt: skip


def made_at(revision: str, file: Path) -> Path:
    """A database at a revision of the schema, with a row in every table that it has."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(sqlite_address(file))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        tables = MetaData()
        tables.reflect(connection)
        known = rows(revision)
        without = set(tables.tables) - {"alembic_version"} - set(known)
        assert without == set(), "add rows of these tables"
        for name in known:
            if name not in tables.tables:
                continue
            for row in known[name]:
                table = tables.tables[name]
                connection.execute(
                    table.insert().values({key: value for key, value in row.items() if key in table.c})
                )
    engine.dispose()
    return file


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_every_revision_is_upgraded_and_read(tmp_path: Path, revision: str) -> None:
    file = made_at(revision, tmp_path / "studio.db")
    before, url = digest(file), sqlite_address(file)
    state = database_state(url)
    assert state.revision == revision and state.recipes["wishes"]["title"] == "我的祝福"
    assert list(waiting_revisions(state.revision)) == [later for later in REVISIONS if later > revision]
    assert digest(file) == before and [path.name for path in tmp_path.iterdir()] == ["studio.db"]

    engine = open_engine(url)
    read_everything(engine, revision)
    engine.dispose()
    assert waiting_revisions(database_state(url).revision) == {}
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


def read_everything(engine: Any, revision: str) -> None:
    """Read with the present program what :func:`rows` holds."""
    stored = recipes.current(engine, "wishes")
    assert stored.recipe.title == "我的祝福" and any(style.several_lines for style in stored.recipe.styles)
    assert recipes.removed(engine) == ({"old"} if revision >= "0007" else set())
    assert (runs.get(engine, 1).title, runs.counts(engine, [1])[1].done) == ("走一遍", 1)
    assert runs.get(engine, 1).paused == (revision >= "0011")
    options = (("length", "short"),) if revision >= "0010" else ()
    sample = get(engine, 1)
    assert (sample.output, sample.state, sample.rating, sample.options) == (
        "祝外婆生日快乐，身体硬朗！",
        "accepted",
        4,
        options,
    )
    assert provenance(engine, 1).model == "qwen-plus"
    assert [task.options for task in runs.tasks_in(engine, 1, "done")] == [options]
    counted = knowledge.counts(engine, 1)
    assert (counted.pairs, counted.repeated, counted.unused) == (1, 2, 3 if revision >= "0004" else 0)
    assert knowledge.origin(engine, 2).text == "腊月二十三。"
    if revision >= "0013":
        assert imitation.origin(engine, 1) == (1, "范文。", 0.5, 0.9, "太像")
    assert datasets.get_import(engine, 1).bad == ((3, "空的"),)  # stored from 0, told from 1
    assert findings.of(engine, [1])[1] == [findings.Finding("greeting", "称呼", None, 0)]
    assert check_state(engine, "wishes").compared
    assert judgements.of(engine, [1])[1].naturalness == 5.0
    assert leases.others(engine, "小李") == {1}
    listed = steps.feed(engine, steps.StepFilter("wishes"), 10)
    assert {step.id: step.bulk for step in listed} == {1: False, 2: True, 3: False}
    assert len(steps.history(engine, 1)) == 1
    if revision >= "0002":
        [verdict] = second_verdicts.verdicts(engine, "wishes")
        assert (verdict.first_state, verdict.state, verdict.resolved) == ("accepted", "rejected", False)
        assert second_verdicts.share(engine, "wishes") == 0.25
        assert {step.note for step in listed} == {"太短"}
    version = datasets.by_name(engine, "第一版")
    assert (version.count, version.note) == (1, "人工看过的")
    assert training.get(engine, 1).settings == {"epochs": 2} and jobs.get(engine, 1).state == "succeeded"
    first, second = votes.listed(engine, "wishes")
    assert {first.loser, second.loser} == {"乙", "丙"} and first.outcome == "better"
    assert first.ballot == second.ballot != ""
    assert first.who == (LONG if revision >= "0006" else "小李")
    assert (first.name, first.winner_setting) == (
        "外婆" if revision >= "0003" else "",
        "T=0.7" if revision >= "0008" else "",
    )


def test_every_revision_and_every_release_is_known() -> None:
    assert list(revision_sentences()) == REVISIONS and REVISIONS[-1] == HEAD
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert set(RELEASED) == set(re.findall(r"^## (\d\S*)", changelog, re.MULTILINE))
    assert outdated_releases("0003") == ["0.1.0"] and outdated_releases(HEAD) == outdated_releases(None) == []


@pytest.mark.parametrize("missing", ["", "-shm"])
def test_looking_at_a_database_in_use_or_copied_meanwhile_sees_its_log_and_changes_nothing(
    tmp_path: Path, missing: str
) -> None:
    """The log holds what a studio that runs, or that was killed, has written last."""
    used = sqlite3.connect(made_at("0009", tmp_path / "used.db"))
    used.execute("PRAGMA journal_mode=WAL")
    used.execute("UPDATE recipe_revisions SET body = json_set(body, '$.title', '新名字')")
    used.commit()
    for end in ("", "-wal", "-shm"):
        if end != missing or not missing:
            shutil.copy(tmp_path / f"used.db{end}", tmp_path / f"copy.db{end}")
    files = sorted(tmp_path.glob("copy.db*"))
    kept = {path: digest(path) for path in files if not path.name.endswith("-shm")}
    assert database_state(sqlite_address(tmp_path / "copy.db")).recipes["wishes"]["title"] == "新名字"
    assert sorted(tmp_path.glob("copy.db*")) == files
    assert {path: digest(path) for path in kept} == kept
    used.close()


def test_a_database_that_is_new_newer_or_broken(tmp_path: Path) -> None:
    assert database_state(sqlite_address(tmp_path / "none.db")).revision is None
    assert list(tmp_path.iterdir()) == []
    newer = made_at("0010", tmp_path / "newer.db")
    with contextlib.closing(sqlite3.connect(newer, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="9999"):
        database_state(sqlite_address(newer))
    (tmp_path / "broken.db").write_text(json.dumps("这不是数据库") * 200, encoding="utf-8")
    with pytest.raises(SettingsError, match="打不开数据库"):
        database_state(sqlite_address(tmp_path / "broken.db"))
