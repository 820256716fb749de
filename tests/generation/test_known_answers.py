"""A plan that is run again: what is asked anew, and what the file of the answers holds."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from tests.loopback import LoopbackApi, says
from tianji_core.dispatch import Retry
from tianji_core.generation import KnownAnswers, RunOptions, create_run, sampling_of, teachers_of
from tianji_core.generation.generating import run_generation
from tianji_core.jobs import Reporter
from tianji_core.recipe import Plan
from tianji_core.store import recipes, samples
from tianji_core.store.answers import StoredAnswers
from tianji_core.store.runs import Run
from tianji_core.teachers import Sampling, SamplingPlan, TeacherChoice
from tianji_core.workspace import Workspace

QUICK = Retry(attempts=2, first_wait=0.01, longest_wait=0.02)
PLAN = Plan(styles=("正常", "小红书"), limit=12, seed=4)


def run_once(
    workspace: Workspace,
    api: LoopbackApi,
    plan: Plan = PLAN,
    sampling: Sampling | SamplingPlan = Sampling(temperature=0.9),
    model: str = "loopback-model",
    reuse: bool = True,
) -> tuple[Run, int]:
    """Runs a plan; returns the run and the number of requests that it sent."""
    teacher = TeacherChoice(provider="custom", model=model, base_url=api.url)
    run = create_run(workspace, "wishes", plan, teacher, sampling, 4, options=RunOptions(reuse=reuse))
    before = len(api.requests)
    state = asyncio.run(run_generation(workspace, run.id, Reporter(total=run.total), retry=QUICK))
    assert state.complete
    return run, len(api.requests) - before


def texts(workspace: Workspace, run: Run) -> dict[str, str]:
    stored = samples.page(workspace.engine, samples.SampleFilter(recipe="wishes", run_id=run.id))
    return {f"{each.name}{each.scene}{each.style}": each.output for each in stored}


def numbered(api: LoopbackApi) -> None:
    """Every answer is another one."""
    api.default = lambda handler, body: says(f"第 {len(api.requests)} 句祝福，愿您安康")(handler, body)


def test_the_same_plan_again_asks_nothing_and_costs_nothing(workspace: Workspace, api: LoopbackApi):
    numbered(api)
    first, asked = run_once(workspace, api)
    again, asked_again = run_once(workspace, api)
    assert (asked, asked_again) == (12, 0)
    assert texts(workspace, again) == texts(workspace, first)
    recipe = recipes.current(workspace.engine, "wishes").recipe
    known = KnownAnswers(workspace, recipe, PLAN, teachers_of(first), sampling_of(first))
    assert known.count() == 12
    with workspace.engine.connect() as connection:
        used = connection.exec_driver_sql(
            f"SELECT sum(prompt_tokens), sum(completion_tokens) FROM samples WHERE run_id = {again.id}"
        ).one()
    assert tuple(used) == (0, 0)


def test_without_the_option_everything_is_asked_anew(workspace: Workspace, api: LoopbackApi):
    numbered(api)
    first, _asked = run_once(workspace, api)
    again, asked = run_once(workspace, api, reuse=False)
    assert asked == 12
    assert not set(texts(workspace, again).values()) & set(texts(workspace, first).values())
    later, asked = run_once(workspace, api)
    assert asked == 0
    assert texts(workspace, later) == texts(workspace, again), "the newest answer counts"


@pytest.mark.parametrize(
    "other",
    [
        {"plan": PLAN.model_copy(update={"seed": 5})},
        {"sampling": Sampling(temperature=0.8)},
        {"sampling": Sampling(temperature=0.9, max_tokens=300)},
        {"sampling": SamplingPlan(temperature=0.9, seed_per_task=True)},
        {"model": "another-model"},
    ],
)
def test_another_request_is_asked(workspace: Workspace, api: LoopbackApi, other: dict):
    numbered(api)
    run_once(workspace, api)
    assert run_once(workspace, api, **other)[1] == 12


def test_a_larger_plan_asks_what_is_new_or_shows_other_examples(workspace: Workspace, api: LoopbackApi):
    numbered(api)
    cells = (("赵老师", "生日"), ("大舅", "春节"))
    small = Plan(styles=("正常",), cells=cells, rounds=1)
    run_once(workspace, api, small)
    larger, asked = run_once(workspace, api, small.model_copy(update={"rounds": 3}))
    assert 4 <= asked <= 6  # examples take turns in the order of the whole plan
    stored = samples.page(workspace.engine, samples.SampleFilter(recipe="wishes", run_id=larger.id))
    assert len({each.output for each in stored}) == 6, "rounds never share an answer"


def test_an_answer_that_broke_off_is_not_remembered(workspace: Workspace, api: LoopbackApi):
    api.default = says("愿您福如东海，寿比", finish_reason="length")
    run_once(workspace, api)
    api.default = says("愿您福如东海，寿比南山")
    assert run_once(workspace, api)[1] == 12


def test_no_key_address_or_prompt_is_in_the_file(
    workspace: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CUSTOM_API_KEY", "sk-never-on-any-disk-1234567890")
    api.default = says("愿您安康，密钥是 sk-never-on-any-disk-1234567890")
    run_once(workspace, api)
    raw = b"".join(path.read_bytes() for path in workspace.home.glob("answers.db*"))
    assert "愿您安康".encode() in raw
    for secret in ("sk-never-on-any-disk", str(api.url), "赵老师"):
        assert secret.encode() not in raw


def test_a_damaged_file_stops_no_run(workspace: Workspace, api: LoopbackApi, capfd: pytest.CaptureFixture):
    workspace.answers.write_bytes(b"no database " * 500)
    api.default = says("愿您安康")
    assert run_once(workspace, api)[1] == 12
    assert "not a database" in capfd.readouterr().out
    StoredAnswers(workspace.answers).forget()
    assert not list(workspace.home.glob("answers.db*"))
    run_once(workspace, api)
    assert run_once(workspace, api)[1] == 0


def test_the_size_is_that_of_the_files_that_are_there(tmp_path: Path):
    known = StoredAnswers(tmp_path / "answers.db")
    assert known.bytes == 0
    known.file.write_bytes(b"123")
    (tmp_path / "answers.db-wal").write_bytes(b"45")
    assert known.bytes == 5


def test_the_file_stays_small_and_the_newest_stay(workspace: Workspace):
    most = 400_000
    known = StoredAnswers(workspace.answers, most)
    for start in range(0, 2000, 20):
        known.keep({f"key-{number}": {"text": "安" * 200} for number in range(start, start + 20)})
    assert known.fault == ""
    with sqlite3.connect(workspace.answers) as connection:
        (held,) = connection.execute("SELECT sum(length(CAST(answer AS BLOB))) FROM answers").fetchone()
    assert 0 < held < most
    assert known.of(["key-0", "key-1999"]).keys() == {"key-1999"}
