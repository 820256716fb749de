"""PostgreSQL for a team: the statements that are not the same as on SQLite, against a real server."""

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from tests.postgres import fresh_database
from tianji_core import cleaning
from tianji_core.errors import ConflictError, SettingsError
from tianji_core.recipe import Plan, built_in_recipes, load_recipe, tasks
from tianji_core.store import findings, jobs, leases, recipes, run_lines, runs, samples, schema, steps
from tianji_core.store.database import HEAD, claiming, open_engine, reading, writing
from tianji_core.store.provenance import Provenance
from tianji_core.store.samples import ACCEPTED, IMPORT, PENDING, REJECTED, NewSample, SampleFilter
from tianji_core.store.upgrading import database_state
from tianji_core.workspace import Workspace, highest_number

ALL = SampleFilter("wishes")


@pytest.fixture
def server(postgres_server: str) -> str:
    """The address of a PostgreSQL server."""
    return postgres_server


@pytest.fixture
def shared(team: Workspace) -> Workspace:
    """A workspace whose database is on the server."""
    return team


def new(number: int, output: str = "", **fields: str) -> NewSample:
    values = {"name": "妹妹", "scene": "生日", "style": "正常"} | fields
    return NewSample(
        "wishes", "系统", f"祝妹妹生日{number}", output or f"妹妹，第{number}个生日快乐！", **values
    )


def store(workspace: Workspace, items: list[NewSample]) -> list[int]:
    with writing(workspace.engine) as connection:
        return samples.insert_new(connection, items, IMPORT)


def found(workspace: Workspace, **fields: object) -> list[int]:
    return [s.id for s in samples.page(workspace.engine, SampleFilter("wishes", **fields))]


def test_looking_at_what_an_upgrade_changes_reads_the_server(shared: Workspace) -> None:
    recipes.save(shared.engine, load_recipe(built_in_recipes()["wishes"]), 0, "一")
    state = database_state(shared.database_url)
    assert (state.revision, state.size, list(state.recipes)) == (HEAD, None, ["wishes"])


def test_migrations_lead_to_the_schema(shared: Workspace) -> None:
    with shared.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_several_processes_may_open_a_new_database_at_once(server: str, tmp_path: Path) -> None:
    with fresh_database(server) as address:
        code = "from tianji_core.workspace import open_workspace as o; o(__import__('sys').argv[1]).engine"
        started = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path / str(number))],
                env={**os.environ, "TIANJI_DATABASE_URL": address},
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(3)
        ]
        for process in started:
            _out, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors


def test_a_database_of_a_newer_program_is_refused(shared: Workspace) -> None:
    with shared.engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="升级"):
        open_engine(shared.database_url)


def test_texts_are_searched_for_their_characters_and_clean_samples_found(shared: Workspace) -> None:
    several = replace(new(2, name="爷爷"), history=(("写给爷爷", "第一稿：\n愿你“平安”"),))
    ids = store(shared, [new(0), new(1, "百分之百（100%_）的祝福送给妹妹"), several])
    assert found(shared, text="生日") == ids  # the input of the second one
    assert found(shared, text="第2") == [ids[2]]
    assert found(shared, text="%_") == found(shared, text="百分") == [ids[1]]
    assert found(shared, text="'") == found(shared, text="\\") == []
    assert found(shared, text="稿：\n愿你“") == [ids[2]]
    assert found(shared, text="output") == []
    assert found(shared, clean=True) == []
    findings.save(shared.engine, {ids[0]: (1, []), ids[1]: (1, [findings.Finding("lead_in", "x", "y")])})
    assert found(shared, clean=True) == [ids[0]]
    assert found(shared, rules=("lead_in",), fixable=True, names=("妹妹",)) == [ids[1]]
    assert findings.unchecked_count(shared.engine, "wishes") == 1
    assert samples.state_counts(shared.engine, ALL) == {PENDING: 3, ACCEPTED: 0, REJECTED: 0}


def test_an_answer_that_comes_twice_is_stored_once(shared: Workspace) -> None:
    recipe = load_recipe(built_in_recipes()["wishes"])
    plan = Plan(styles=("正常",), limit=2)
    planned = tasks(recipe, plan)
    asked = runs.NewRun(
        recipe="wishes", recipe_revision=0, title="试", plan=plan, teacher={}, sampling={}, concurrency=1
    )
    run = runs.add(shared.engine, asked, planned)
    first = runs.Written(
        planned[0], "系统", "祝", "第一次的回答", Provenance("提示", "模型"), planted=("quotes",)
    )
    again = runs.Written(planned[0], "系统", "祝", "第二次的回答", Provenance("提示", "模型"))
    runs.store(shared.engine, run, [first], [runs.Failure(planned[1], "timeout", "太久")])
    runs.store(shared.engine, run, [again])
    assert [line.output for line in run_lines.each_line(shared.engine, run.id)] == ["第一次的回答"]
    assert runs.counts(shared.engine, [run.id])[run.id] == runs.TaskCounts(done=1, failed=1)
    assert runs.errors(shared.engine, run.id)[0].example == "太久"


def test_steps_are_undone_and_redone(shared: Workspace) -> None:
    ids = store(shared, [new(n, f"“妹妹，第{n}个生日快乐，天天开心！”") for n in range(3)])
    assert cleaning.check_new(shared, "wishes") == 3
    fixed = cleaning.fix(shared, ALL, who="我")
    assert fixed is not None and fixed.count == 3
    after = [s.output for s in samples.many(shared.engine, ids)]
    assert steps.set_state(shared.engine, ALL, ACCEPTED, "我") is not None
    steps.undo(shared.engine, "wishes")
    steps.undo(shared.engine, "wishes")
    assert [s.output for s in samples.many(shared.engine, ids)] == [
        f"“妹妹，第{n}个生日快乐，天天开心！”" for n in range(3)
    ]
    steps.redo(shared.engine, "wishes")
    assert [s.output for s in samples.many(shared.engine, ids)] == after


def at_once(*actions: object) -> list[Exception]:
    """Run actions in threads that start together; what they raised."""
    ready = threading.Barrier(len(actions))
    raised: list[Exception] = []

    def run(action: object) -> None:
        ready.wait(30)
        try:
            action()  # type: ignore[operator]
        except ConflictError as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_of_two_people_who_decide_on_one_sample_at_once_one_is_told(shared: Workspace) -> None:
    for number in range(10):
        (sample,) = store(shared, [new(number)])
        only, seen = SampleFilter("wishes", ids=(sample,)), {sample: 1}
        raised = at_once(
            lambda only=only, seen=seen: steps.set_state(shared.engine, only, ACCEPTED, "甲", seen),
            lambda only=only, seen=seen: steps.set_state(shared.engine, only, REJECTED, "乙", seen),
        )
        assert len(raised) == 1
        assert samples.get(shared.engine, sample).version == 2


def test_reviewers_at_work_together_decide_on_each_sample_once(shared: Workspace) -> None:
    ids = store(shared, [new(number) for number in range(30)])
    open_ones = SampleFilter("wishes", states=(PENDING,))

    def review(who: str) -> None:
        mine = replace(open_ones, free_for=who)
        while samples.page(shared.engine, open_ones, limit=1):
            for sample in samples.page(shared.engine, mine, limit=3):
                if leases.take(shared.engine, sample.id, who, version=sample.version):
                    only, seen = SampleFilter("wishes", ids=(sample.id,)), {sample.id: sample.version}
                    steps.set_state(shared.engine, only, ACCEPTED, who, seen)

    assert at_once(*(partial(review, f"审核人{number}") for number in range(4))) == []
    assert [sample.version for sample in samples.many(shared.engine, ids)] == [2] * 30
    assert samples.state_counts(shared.engine, ALL) == {PENDING: 0, ACCEPTED: 30, REJECTED: 0}


def test_what_is_read_next_is_held_while_others_write(shared: Workspace) -> None:
    one, other = store(shared, [new(0), new(1)])
    with writing(shared.engine):
        assert leases.take(shared.engine, one, "甲", version=1)
        assert not leases.take(shared.engine, one, "乙", version=1)
        assert leases.take(shared.engine, other, "乙", version=1)
    assert [s.id for s in samples.page(shared.engine, replace(ALL, free_for="甲"))] == [one]


def test_taking_a_sample_waits_for_no_other_lease(shared: Workspace) -> None:
    one, other, before = store(shared, [new(0), new(1), new(2)])
    leases.take(shared.engine, other, "甲", seconds=-1)
    leases.take(shared.engine, before, "乙")
    held = select(schema.leases).where(schema.leases.c.sample_id.in_([other, before])).with_for_update()
    with ThreadPoolExecutor(1) as crew, claiming(shared.engine) as connection:
        connection.execute(held)
        assert crew.submit(leases.take, shared.engine, one, "乙").result(timeout=30)
    assert leases.take(shared.engine, other, "乙")  # what could not be given up then is given up now
    assert leases.others(shared.engine, "丙") == {other}


def test_of_two_people_who_import_the_same_file_at_once_one_adds_it(shared: Workspace) -> None:
    items = [new(number) for number in range(200)]
    at_once(lambda: store(shared, items), lambda: store(shared, items))
    assert samples.total(shared.engine) == 200


def test_of_two_people_who_save_a_recipe_at_once_one_is_told(shared: Workspace) -> None:
    recipe = recipes.current(shared.engine, "wishes").recipe
    raised = at_once(
        lambda: recipes.save(shared.engine, recipe, 0, "甲"),
        lambda: recipes.save(shared.engine, recipe, 0, "乙"),
    )
    assert len(raised) == 1 and recipes.current(shared.engine, "wishes").revision == 1


def test_a_reader_sees_one_state_while_others_write(shared: Workspace) -> None:
    store(shared, [new(0)])
    with reading(shared.engine) as connection:
        query = text("SELECT count(*) FROM samples")
        before = connection.execute(query).scalar()
        store(shared, [new(1)])
        assert connection.execute(query).scalar() == before == 1
    assert samples.total(shared.engine) == 2


def test_numbers_go_on_above_the_folders_that_the_database_does_not_know(shared: Workspace) -> None:
    def number() -> int:
        return jobs.add(shared.engine, "demo", "试", ["true"], {}, {}, highest_number(shared.logs, "job-")).id

    assert (number(), number()) == (1, 2)
    (shared.logs / "job-40.log").touch()
    assert (number(), number()) == (41, 42)


def test_a_dump_is_restored_into_another_database_as_the_manual_says(
    shared: Workspace, tmp_path: Path
) -> None:
    if not (shutil.which("pg_dump") and shutil.which("pg_restore")):
        pytest.skip("BACKUPS OF POSTGRESQL ARE NOT TESTED: no pg_dump here; install postgresql-client")
    ids = store(shared, [new(0), new(1)])
    steps.set_state(shared.engine, SampleFilter("wishes", ids=(ids[0],)), ACCEPTED, "甲")
    address = shared.database_url.replace("+psycopg", "")
    file = tmp_path / "studio.dump"
    dump = ("pg_dump", "--format=custom", f"--file={file}", address)
    subprocess.run(dump, check=True, timeout=120)
    with fresh_database(shared.database_url) as other:
        restore = ("pg_restore", "--no-owner", "--exit-on-error")
        target = f"--dbname={other.replace('+psycopg', '')}"
        subprocess.run((*restore, target, str(file)), check=True, timeout=120)
        engine = open_engine(other)
        assert [s.state for s in samples.many(engine, ids)] == [ACCEPTED, PENDING]
        with writing(engine) as connection:  # numbers go on after the restored ones
            assert min(samples.insert_new(connection, [new(2)], IMPORT)) > max(ids)
        engine.dispose()
