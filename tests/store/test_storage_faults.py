"""Values that no column takes: from an answer, and in rows of old releases."""

import pytest
from sqlalchemy import text

from tianji_core.dispatch import Usage
from tianji_core.errors import StorageError
from tianji_core.generation import create_run, run_state
from tianji_core.recipe import Plan
from tianji_core.store import run_figures, runs
from tianji_core.store.database import writing
from tianji_core.store.provenance import Provenance
from tianji_core.store.runs import Run, Written
from tianji_core.teachers import SamplingPlan, TeacherChoice
from tianji_core.workspace import Workspace


def run_of_two(workspace: Workspace) -> Run:
    return create_run(workspace, "wishes", Plan(limit=2), TeacherChoice(), SamplingPlan())


def written(workspace: Workspace, run: Run, output: str, tokens: int | None) -> list[Written]:
    tasks = runs.tasks_in(workspace.engine, run.id, runs.PENDING)
    origin = Provenance(prompt="写一句", model="m", prompt_tokens=tokens, completion_tokens=tokens)
    return [Written(task, "系统", "祝赵老师生日", output, origin) for task in tasks]


@pytest.mark.parametrize(
    ("output", "tokens"),
    [
        pytest.param("祝您安康", 10**30, id="a number that no integer column holds"),
        pytest.param("祝您\ud800安康", 1, id="half a character"),
    ],
)
def test_a_row_that_cannot_be_stored_is_said_so_and_nothing_of_its_batch_stays(
    workspace: Workspace, output: str, tokens: int
) -> None:
    run = run_of_two(workspace)
    with pytest.raises(StorageError, match="存不下"):
        runs.store(workspace.engine, run, written(workspace, run, output, tokens))
    assert runs.totals(workspace.engine, run.id).samples == 0
    runs.store(workspace.engine, run, written(workspace, run, "祝您安康", 5))
    assert runs.totals(workspace.engine, run.id).samples == 2


@pytest.mark.sqlite
def test_absurd_counts_of_tokens_in_old_rows_add_nothing(workspace: Workspace) -> None:
    run = run_of_two(workspace)
    runs.store(workspace.engine, run, written(workspace, run, "祝您安康", 7))
    with writing(workspace.engine) as connection:
        more = "UPDATE samples SET prompt_tokens = 9223372036854775807 WHERE run_id = :run"
        less = "UPDATE samples SET completion_tokens = -5 WHERE run_id = :run AND position = 0"
        connection.execute(text(more), {"run": run.id})
        connection.execute(text(less), {"run": run.id})
    totals = run_state(workspace.engine, run.id).totals
    assert (totals.samples, totals.prompt_tokens, totals.completion_tokens) == (2, 0, 7)
    (teacher,) = run_figures.teacher_totals(workspace.engine, run.id)
    assert (teacher.prompt_tokens, teacher.completion_tokens) == (0, 7)
    spent = run_figures.spent(workspace.engine, run.id)[0]
    assert Usage(spent.prompt_tokens, spent.completion_tokens).total == 7
