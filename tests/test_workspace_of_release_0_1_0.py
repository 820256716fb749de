"""A workspace of release 0.1.0 opens with today's code: every page draws, nothing in it is lost.

``tests/data/workspace-0.1.0.tar.xz`` was made with that release's own code, in
``/home/wang/tianji/workspace``: the verb ``demo`` (a small run of the offline composer, cleaning, a dataset,
a training of the nano model, adapter and merged model), then a run and a document answered by a loopback
server, a run that failed, an import, verdicts of two people and of a judge, suggestions and ratings, a
comparison with votes, a training that was stopped and one that was not started, a sweep, a chat, and drafts
of the forms. The database is stored as SQL, and the weights of models and checkpoints as zeros.
"""

import sqlite3
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import opened
from tianji_core import dataset, jobs, training
from tianji_core.comparison import voting
from tianji_core.errors import ModelError
from tianji_core.store import datasets, recipes, samples, steps
from tianji_core.store import training as training_rows
from tianji_core.store.acceptance import acceptance
from tianji_core.store.database import HEAD
from tianji_core.store.samples import SampleFilter
from tianji_core.training.launch import check_base
from tianji_core.upgrade import upgrade_report
from tianji_core.workspace import Workspace, open_workspace

pytestmark = pytest.mark.sqlite
ARCHIVE = Path(__file__).with_name("data") / "workspace-0.1.0.tar.xz"
PROJECT = Path(__file__).resolve().parents[1]
WRITTEN_IN = "/home/wang/tianji"
"""The checkout of the release; its workspace lay in ``workspace`` beneath it."""
ALL = SampleFilter("wishes")


@pytest.fixture
def old(tmp_path: Path) -> Workspace:
    """The stored workspace in TIANJI_HOME, as if it had been made there."""
    home = tmp_path / "workspace"
    with tarfile.open(ARCHIVE) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not before Python 3.11.4
        archive.extractall(tmp_path)
    for path in home.rglob("*"):
        if path.suffix in (".safetensors", ".pth") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        moved = text.replace(f"{WRITTEN_IN}/workspace", str(home)).replace(WRITTEN_IN, str(PROJECT))
        if moved != text:
            mode = path.stat().st_mode
            path.chmod(0o600)
            path.write_text(moved, encoding="utf-8")
            path.chmod(mode)
    dump = home / "studio.sql"
    database = sqlite3.connect(home / "studio.db")
    database.executescript(dump.read_text(encoding="utf-8"))
    database.close()
    dump.unlink()
    return open_workspace(home)


def text_of(app: AppTest) -> str:
    """Everything that the page says."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "text",
        "code",
        "info",
        "success",
        "warning",
    )
    parts = [str(element.value) for kind in kinds for element in app.get(kind)]
    parts += [
        str(element.label) for kind in ("button", "expander", "tab", "metric") for element in app.get(kind)
    ]
    parts += [str(element.value) for element in app.get("metric")]
    parts += [str(element.proto.body) for element in app.get("html")]
    parts += [element.value.to_csv() for kind in ("dataframe", "table") for element in app.get(kind)]
    return "\n".join(parts).replace("\\", "")


BOARD = "20261129-011307-918612"
SHOWN = [
    ("home", {}, ["170 条样本", "5 条待审 · 164 条已采用", "2 个版本", "3 次训练", "训练前 8%，训练后 67%"]),
    (
        "lists",
        {"list": "场景"},
        ["第 3 版 · 撤销：阈值", "加场景：开业", "生日：已经有了", "开业,life_event"],
    ),
    ("heatmap", {}, ["532 个格子", "**479** 个会造数"]),
    ("generate", {}, ["**3** · 都失败了", "**2** · 接口试跑", "**1** · 走一遍"]),
    ("generate", {"run": "1"}, ["批次 1 · 走一遍", "写好 160 条，失败 0 条，还剩 0 条", "54,954"]),
    ("generate", {"run": "3"}, ["批次 3 · 都失败了", "bad request"]),
    ("generate", {"part": "knowledge", "knowledge": "1"}, ["灶王爷.txt", "腊月二十三。"]),
    ("review", {}, ["共 5 条", "模型评分 **4.0**：合适 4 · 风格 3 · 自然 5", "外公 × 乔迁新居"]),
    (
        "review",
        {"view": "复审"},
        ["小王：采用 · 小李：弃用", "还有 **1** 条没有裁定", "祝好！", "小王,小李,2,50%,0.00"],
    ),
    ("review", {"view": "记录"}, ["给 1 条打 5 星", "修改样本 162", "采用 160 条", "自动修正 4 条"]),
    ("dataset", {"part": "版本"}, ["第二版", "走一遍-1", "164", "人工看过的"]),
    ("dataset", {"part": "导入"}, ["手写祝福.json"]),
    (
        "train",
        {},
        ["改了 1 项：**轮数（遍）** 1 → 2", "“第二版”，164 条，校验一致", "**走一遍-1 · 再训一遍**"],
    ),
    ("train", {"run": "1"}, ["走一遍-1", "✅ 已完成"]),
    ("train", {"run": "2"}, ["走一遍-1 · 再训一遍", "⏹️ 已停止"]),
    ("train", {"run": "3"}, ["还没开始的训练", "没有启动", "训练 3 · 第二版 · nano-cpu-qlora"]),
    ("train", {"clone": "1"}, ["“走一遍-1”，160 条，校验一致"]),
    (
        "models",
        {},
        [
            "数据集：走一遍-1，SHA-256 `76f123975fda",
            "祝李总工作升职,严肃风格",
            "一致：1",
            "合并模型",
            "LoRA 适配器",
        ],
    ),
    ("chat", {}, ["**对话记录** · 2 轮", "祝大舅生日快乐！", "2. 寿比南山！"]),
    (
        "compare",
        {"board": BOARD},
        ["大舅 × 生日", "祝大舅生日快乐，身体硬朗！", "🏅 **选中的**"],
    ),
    ("compare", {"board": BOARD, "view": "scores"}, ["qwen-plus"]),
    ("compare", {"view": "sweep"}, ["建议用第 20 步：通过率 100%，照抄 0%", "✗ 训练前：领导，祝乔迁新居"]),
    (
        "jobs",
        {},
        [
            "走一遍-1 · 再训一遍",
            "扫描 2 个检查点",
            "退出码 -15",
            "评了 10 条，失败 0 条",
            "训练前：通过 0.0%",
        ],
    ),
    ("settings", {}, ["SQLite"]),
]
"""Page, address, and what it must say; the one error is the reason of the run that failed."""


@pytest.mark.parametrize(("name", "address", "said"), SHOWN, ids=lambda value: str(value) if value else "")
def test_every_page_opens_and_shows_what_was_made(
    old: Workspace, name: str, address: dict[str, str], said: list[str]
) -> None:
    app = opened(name, **address)
    errors = [error.value for error in app.error]
    assert [error for error in errors if not any(text in error for text in said)] == []
    shown = "\n".join([text_of(app), *errors])
    assert [text for text in said if text not in shown] == [], shown


def test_every_row_is_there_after_the_pages_have_been_opened(old: Workspace) -> None:
    for name in dict.fromkeys(name for name, _address, _said in SHOWN):
        opened(name)
    tables = [
        "samples",
        "tasks",
        "runs",
        "knowledge_runs",
        "chunks",
        "imports",
        "judgements",
        "steps",
    ]
    tables += [
        "changes",
        "second_verdicts",
        "votes",
        "dataset_versions",
        "training_runs",
        "jobs",
        "recipe_revisions",
    ]
    database = sqlite3.connect(old.home / "studio.db")
    counted = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    (findings,) = database.execute("SELECT count(*) FROM findings").fetchone()
    database.close()
    assert counted == [170, 169, 3, 1, 2, 1, 10, 8, 173, 2, 4, 2, 3, 15, 4]
    # Today's rules have looked again. They find what those of the release found, except in eight texts: these
    # are a little shorter than their style asks, or say the same as another with two more characters.
    assert findings >= 25 - 8


def test_the_database_is_whole_after_its_migration(old: Workspace) -> None:
    old.engine.dispose()
    database = sqlite3.connect(old.home / "studio.db")
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()


def test_what_the_upgrade_will_change_is_said_before_it_and_done_by_it(old: Workspace) -> None:
    before = upgrade_report(old, ())
    assert (min(before.revisions), max(before.revisions)) == ("0004", HEAD)
    assert (before.closed_to, before.settings, before.waits) == (["0.1.0"], ["zone"], True)
    facts = ["fact_share", "facts", "facts_in_input", "own_rules", "prompts.fact"]
    added = ["axes", "blessings", *facts, "prompts.teacher_system", "receivers", "relations", "requests"]
    added += ["scene_kinds", "styles.several_lines", "words"]
    assert before.recipes == {"office": added, "wishes": added} and before.refused == {}
    assert before.backup_size == (old.home / "studio.db").stat().st_size < before.free
    _ = old.engine
    [backup] = old.backups()
    assert (backup.reason, backup.size) == ("migration", before.backup_size)
    after = upgrade_report(old, ())
    assert (after.revisions, after.closed_to, after.waits, after.backup_size) == ({}, [], False, 0)
    assert after.recipes == before.recipes  # until they are saved


def test_steps_on_several_samples_were_taken_in_bulk(old: Workspace) -> None:
    found = steps.feed(old.engine, steps.StepFilter("wishes"), 20)
    assert {step.id: step.bulk for step in found} == {n: n < 4 for n in range(1, 9)}
    told = acceptance(old.engine, "wishes", range(1, 171))
    assert (told.single, told.bulk) == (0, 164)


def test_verse_and_letters_may_have_several_lines(old: Workspace) -> None:
    styles = recipes.current(old.engine, "wishes").recipe.styles
    assert [style.text for style in styles if style.several_lines] == ["祝福长文", "诗词赋"]


def test_jobs_of_every_kind_are_read_with_their_subject(old: Workspace) -> None:
    listed = jobs.listed(old)
    assert Counter(job.state for job in listed) == {"succeeded": 12, "failed": 1, "stopped": 2}
    kinds = {
        "generate",
        "train",
        "merge",
        "serve",
        "import",
        "judge",
        "rewrite",
        "suggest",
        "rate",
        "vote",
        "sweep",
    }
    assert {job.kind for job in listed} == kinds
    assert "bad request" in jobs.get(old, 6).note
    rejudged = [job.id for job in listed if job.kind == "judge"]
    assert rejudged == [9] and voting.voting_job(old, BOARD).id == 13


def test_trainings_keep_their_settings_and_say_why_they_cannot_be_continued(old: Workspace) -> None:
    stopped, first = (training_rows.get(old.engine, number) for number in (2, 1))
    settings = training.record_of(first).settings
    assert (settings.learning_rate, settings.lora_alpha, settings.max_length, settings.seed) == (
        0.002,
        64,
        512,
        42,
    )
    assert settings.eval_prompts[1] == "祝李总工作升职,严肃风格"
    state = training.training_state(old, first)
    assert state.finished and [checkpoint.iteration for checkpoint in state.checkpoints] == [20]
    assert training.training_state(old, stopped).job.state == "stopped"
    for run in (first, stopped):  # the embedded base of today is another one
        with pytest.raises(ModelError, match="换了新的内置模型"):
            check_base(run)
        assert training.version_of(old, run).name == "走一遍-1"


def test_datasets_recipes_and_review_steps_are_as_they_were(old: Workspace) -> None:
    versions = datasets.listed(old.engine)
    assert [(version.name, version.count) for version in versions] == [("第二版", 164), ("走一遍-1", 160)]
    for version in versions:
        dataset.verify(old, version)
    assert recipes.keys(old.engine)[0] == "wishes" and "office" in recipes.keys(old.engine)
    redone = recipes.redo(old.engine, "wishes", based_on=3)
    assert redone is not None and redone.revision == 4
    edited = steps.undo(old.engine, "wishes", "小王")
    assert edited is not None and edited.title == "修改样本 162"
    assert samples.get(old.engine, 162).output == "祝您福寿安康，万事顺心如意。"
    assert samples.get(old.engine, 162).options == ()
    assert samples.count(old.engine, ALL) == 170
